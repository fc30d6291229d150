// Answers of your own to three of the six questions, each under 20 lines, used with what the library has,
// then stored in a file and loaded again:
//
//     own_answers [OUT.safetensors]
//
// powers_of_two says which numbers a code can stand for, three_sigma chooses the range, ordered_dither the
// rounding. None of them derives from anything: a grid, a range and a rounding are what their concepts
// (plain_grid, interval_range, neighbour_rounding) ask for. A file holds codes, scales and the grid's levels,
// so it is read without these types.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <filesystem>
#include <random>
#include <span>
#include <stdexcept>
#include <string>

namespace bg = bitgauge;

namespace {

/// 1. Which numbers can a code stand for? 0 and +-1/64, +-1/32 .. +-1: sign and exponent in 4 bits, so that
/// products with activations are shifts. Field 8 is a second 0, which is never chosen.
struct powers_of_two {
  int bits() const { return 4; }
  float level(int field) const {
    const int exponent = field % 8;
    const float magnitude = exponent == 0 ? 0.0f : std::ldexp(1.0f, exponent - 7);
    return field < 8 ? magnitude : -magnitude;
  }
  int nearest(float value) const {
    int best = 0;
    for (int field = 1; field < 16; ++field)
      if (std::fabs(value - level(field)) < std::fabs(value - level(best))) best = field;
    return best;
  }
  float scale_for(bg::interval range) const { return range.magnitude(); }
};

/// 3. How is the range chosen? Three standard deviations around 0: what lies beyond is clipped.
struct three_sigma {
  bg::interval operator()(std::span<const float> values) const {
    double square = 0;
    for (const float x : values) square += static_cast<double>(x) * static_cast<double>(x);
    const auto sigma = static_cast<float>(std::sqrt(square / static_cast<double>(values.size())));
    return {-3 * sigma, 3 * sigma};
  }
};

/// 4. Which code does an element get? The upper or the lower neighbour by a threshold that changes from
/// element to element (Bayer, 1973): within each 4 x 4 tile the errors nearly cancel. Asked twice, it answers
/// the same, as a rounding must.
struct ordered_dither {
  bool up(float value, float lower, float upper, bg::index_t row, bg::index_t col) const {
    constexpr int order[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    const float threshold = (static_cast<float>(order[row % 4][col % 4]) + 0.5f) / 16;
    return value - lower > threshold * (upper - lower);
  }
};

Eigen::MatrixXf made_up_inputs(Eigen::Index samples, Eigen::Index inputs) {
  std::mt19937 random(1);
  Eigen::MatrixXf x = Eigen::MatrixXf::NullaryExpr(
      samples, inputs, [&] { return static_cast<float>(random()) * 0x1p-31f - 1; });
  for (Eigen::Index j = 1; j < inputs; ++j) x.col(j) = 0.9f * x.col(j - 1) + 0.44f * x.col(j);
  return x;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

/// The decoded numbers are what powers_of_two says: a scale times 0 or a power of two.
void check_grid(const bg::quantized_matrix& q, bg::index_t group) {
  const Eigen::MatrixXf values = q.dequantize();
  for (bg::index_t r = 0; r < q.rows(); ++r)
    for (bg::index_t c = 0; c < q.cols(); ++c) {
      const float scale = q.scale(r * (q.cols() / group) + c / group), in_scales = values(r, c) / scale;
      int exponent = 0;
      require(in_scales == 0 || std::fabs(std::frexp(in_scales, &exponent)) == 0.5f, "no power of two");
      require(std::fabs(in_scales) <= 1, "beyond the grid");
    }
}

/// A scale is three standard deviations of its group, in the storage that was asked for.
void check_range(const bg::quantized_matrix& q, const Eigen::MatrixXf& w, bg::index_t group) {
  const double sigma = w.row(0).head(group).cast<double>().norm() / std::sqrt(static_cast<double>(group));
  require(std::fabs(static_cast<double>(q.scale(0)) / (3 * sigma) - 1) < 0x1p-10, "another scale");
}

/// A constant between two codes comes back as a mixture of both with that mean, to half a 1/16 of the step.
void check_dither() {
  const Eigen::MatrixXf constant = Eigen::MatrixXf::Constant(8, 8, 0.3f);
  const bg::fixed_range bounds{{-7, 7}};  // of symmetric<4>, whose scale is then 1
  const auto nearest = bg::quantize(constant, bg::symmetric<4>{}, bounds);
  const auto dithered = bg::quantize(constant, bg::symmetric<4>{}, bounds, ordered_dither{});
  require(nearest.dequantize().mean() == 0, "nearest: another mean");
  require(std::fabs(dithered.dequantize().mean() - 0.3f) <= 1.0f / 32, "dither: another mean");
}

}  // namespace

int main(int argc, char** argv) try {
  const bg::io::safetensors_file weights(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  const auto w = bg::io::to_matrix<Eigen::MatrixXf>(weights.at("kjv_llama.layers.1.self_attn.q_proj.weight"));
  const auto x = made_up_inputs(2048, w.cols());
  bg::hessian h(w.cols());
  h.accumulate(x);

  const auto show = [&](const char* how, const bg::quantized_matrix& q) {
    fmt::print("{:46} {:.3f} bits per weight, SQNR {:5.2f} dB, error of outputs {:.4f}\n", how,
               q.bits_per_weight(), bg::measure_error(w, q).sqnr_db(),
               bg::measure_output_error(w, q, h).relative());
  };
  const bg::per_group groups{64};
  const auto own_grid = bg::quantize(w, powers_of_two{}, groups, bg::f16_scales);
  show("own grid, absmax, nearest", own_grid);
  show("own grid, least squared error",
       bg::quantize(w, powers_of_two{}, groups, bg::f16_scales, bg::mse_range{}));
  show("own grid, least squared error, GPTQ",
       bg::quantize(w, powers_of_two{}, groups, bg::f16_scales, bg::mse_range{}, bg::gptq{h}));
  show("own range: affine<4>", bg::quantize(w, bg::affine<4>{}, groups, bg::f16_scales, three_sigma{}));
  show("own rounding: nf4, scales quantized themselves",
       bg::quantize(w, bg::nf4{}, groups, bg::double_quantized{256}, ordered_dither{}));
  const auto own = bg::quantize(w, powers_of_two{}, three_sigma{}, ordered_dither{}, groups, bg::f16_scales);
  show("own grid, own range, own rounding", own);

  check_grid(own_grid, groups.size);
  check_grid(own, groups.size);
  check_range(own, w, groups.size);
  check_dither();

  const std::filesystem::path path =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path() / "bitgauge_own_answers.safetensors";
  bg::io::save(path, {{"w", own}});
  const bg::quantized_matrix loaded = bg::io::load(path, "w");
  require(loaded == own && loaded.dequantize() == own.dequantize(), "the file gave back another matrix");
  fmt::print("{}: {} bytes, loaded as saved\n", path.filename().string(), std::filesystem::file_size(path));
  if (argc < 2) std::filesystem::remove(path);
} catch (const std::exception& failure) {
  fmt::print(stderr, "own_answers: {}\n", failure.what());
  return 2;
}
