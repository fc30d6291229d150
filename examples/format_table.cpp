// What every named format costs on Gaussian data: the table in README.md, as Markdown.
//
//     format_table [NAME...]
//
// 2^20 samples of N(0, 1) in rows of 4096. "rule" is the scale or the encoder that the format's own
// definition or reference prescribes, "search" the least squared error found within the same bytes. The gap
// is 6.0206 * bits - SQNR, the distance to the rate-distortion bound of Gaussian data.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/metrics/error_sums.hpp>

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bg = bitgauge;

namespace {

/// Pairs of independent normal values from pairs of uniform ones (Box and Muller, 1958): the same numbers
/// with every standard library.
Eigen::MatrixXf gaussian_samples() {
  std::mt19937_64 random(1);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  Eigen::MatrixXf samples(256, 4096);
  for (Eigen::Index i = 0; i < samples.size(); i += 2) {
    const double radius = std::sqrt(-2 * std::log(uniform())), angle = 2 * std::acos(-1.0) * uniform();
    samples.data()[i] = static_cast<float>(radius * std::cos(angle));
    samples.data()[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return samples;
}

struct cost {
  double bits_per_weight, nmse, sqnr_db, gap_db;
};

template <class Quantized>
cost cost_of(const Eigen::MatrixXf& samples, const Quantized& q) {
  const bg::error_sums error = bg::measure_error(samples, q);
  return {q.bits_per_weight(), error.nmse(), error.sqnr_db(), error.gap_db(q.bits_per_weight())};
}

std::string columns(const cost& c) {
  return fmt::format("{:.3g} | {:.2f} | {:.2f}", c.nmse, c.sqnr_db, c.gap_db);
}

/// A scheme text of this library's matrices; searched where `range` says so.
cost scheme_cost(const Eigen::MatrixXf& samples, std::string_view text, bool searched) {
  bg::scheme scheme = bg::parse_scheme(text);
  if (searched) scheme.range = bg::range_kind::mse;
  return cost_of(samples, bg::quantize(samples, scheme));
}

/// A type of ggml's, by ggml's own encoder or by ours. Its description says whether it has a row.
cost block_cost(const Eigen::MatrixXf& samples, bg::gguf::tensor_type type, bool searched) {
  return cost_of(samples, bg::quantize(samples, type, searched ? bg::effort::best : bg::effort::reference));
}

constexpr std::string_view schemes[] = {
    "symmetric:bits=8,group=32,scale=f16",
    "affine:bits=8,group=32,scale=f16",
    "fp8_e4m3:group=128",
    "fp8_e5m2:group=128",
    "mxfp8_e4m3",
    "mxfp8_e5m2",
    "mxint8",
    "dynamic8",
    "fp6_e2m3:group=32,scale=f16",
    "mxfp6_e2m3",
    "mxfp6_e3m2",
    "nf4",
    "nf4:double=256",
    "fp4",
    "symmetric:bits=4,group=64",
    "symmetric:bits=4,group=32,scale=f16",
    "affine:bits=4,group=32,scale=f16",
    "affine:bits=4,group=128,scale=f16",
    "mxfp4",
    "nvfp4",
    "affine:bits=3,group=64,scale=f16",
    "affine:bits=2,group=32,scale=f16",
};
/// The name of a ggml type in scheme texts.
std::string scheme_name(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

bool is_wanted(std::string_view name, int count, char** names) {
  for (int i = 1; i < count; ++i)
    if (name == names[i]) return true;
  return count == 1;
}

void print_row(std::string_view name, const cost& rule, const cost& search) {
  fmt::print("| `{}` | {:.4g} | {} | {} |\n", name, rule.bits_per_weight, columns(rule), columns(search));
}

}  // namespace

int main(int argc, char** argv) try {
  const Eigen::MatrixXf samples = gaussian_samples();
  fmt::print(
      "| `--scheme` | bits per weight | NMSE, rule | SQNR in dB | gap in dB | NMSE, search | SQNR | gap |\n");
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  for (const std::string_view text : schemes)
    if (is_wanted(text, argc, argv))
      print_row(text, scheme_cost(samples, text, false), scheme_cost(samples, text, true));
  bg::gguf::for_each_format([&]<class Format>(Format) {
    if constexpr (Format::has_table_row) {
      const std::string name = scheme_name(Format::name);
      if (is_wanted(name, argc, argv))
        print_row(name, block_cost(samples, Format::type, false), block_cost(samples, Format::type, true));
    }
  });
} catch (const std::exception& failure) {
  fmt::print(stderr, "format_table: {}\n", failure.what());
  return 2;
}
