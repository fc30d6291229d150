#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>

#include "support/codes.hpp"
#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

// PyTorch 1.13.1's quantized tensors: tests/data/affine/manifest.json.
namespace {

using namespace bitgauge;
using bitgauge::index_t;
using nlohmann::json;
using matrix = test::row_major<float>;

constexpr const char* topic = "affine";

/// The grid of codes lowest .. highest by torch's rules. torch has a symmetric restricted range (-127..127)
/// with its own smallest scale, which the options do not name.
integer_grid torch_grid(bool symmetric, int lowest, int highest) {
  const auto codes = static_cast<unsigned>(highest - lowest);
  const int bits = static_cast<int>(std::bit_width(codes));
  const bool restricted = codes % 2 == 0;
  if (!symmetric)
    return make_affine(bits, {.signed_codes = lowest < 0, .restricted = restricted, .torch = true});
  if (!restricted) return make_symmetric(bits, {.unsigned_codes = lowest == 0, .torch = true});
  integer_grid grid = make_symmetric(bits);
  grid.smallest_scale = FLT_EPSILON;
  return grid;
}

integer_grid grid_of(const json& params) {
  return torch_grid(params["scheme"] == "sym", params["quant_min"], params["quant_max"]);
}

matrix output(const json& entry, const char* name) {
  return test::load_matrix<float>(topic, entry["outputs"][name]);
}

/// An integer array whose stored type is the quantized type of the case.
Eigen::MatrixXi integers(const json& entry, const char* name) {
  const json& file = entry["outputs"][name];
  if (std::string(name) == "zero_point") return test::load_matrix<std::int32_t>(topic, file);
  if (entry["params"]["dtype"] == "quint8") return test::load_matrix<std::uint8_t>(topic, file).cast<int>();
  return test::load_matrix<std::int8_t>(topic, file).cast<int>();
}

void expect_dequantized(const matrix& found, const matrix& expected) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.cols(), expected.cols());
  for (index_t r = 0; r < found.rows(); ++r)
    for (index_t c = 0; c < found.cols(); ++c)
      EXPECT_NEAR(found(r, c), expected(r, c), std::fabs(expected(r, c)) * 0x1p-22f) << r << ", " << c;
}

void expect_parameters(const quantized_matrix& q, const matrix& scales, const Eigen::MatrixXi& zero_points) {
  ASSERT_EQ(q.scales().size(), scales.size());
  for (index_t g = 0; g < scales.size(); ++g) {
    const auto ulps = std::bit_cast<std::int32_t>(q.scale(g)) - std::bit_cast<std::int32_t>(scales(g));
    EXPECT_LE(std::abs(ulps), 1) << "group " << g << ": " << q.scale(g) << ", expected " << scales(g);
    EXPECT_EQ(q.zero_point(g), zero_points(g)) << "group " << g;
  }
}

// Catches a wrong scale, zero point, tie, clamp or default of any of torch's per-tensor grids: signed and
// unsigned, affine and symmetric, 8, 4 and 2 bits and the range -127..127.
TEST(affine_vectors, minmax_per_tensor) {
  for (const json& entry : test::cases_of(topic, "minmax_quantize_per_tensor")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const matrix x = test::load_matrix<float>(topic, entry["inputs"]["x"]);
    const auto q = quantize(x, grid_of(entry["params"]), per_tensor{});
    expect_parameters(q, output(entry, "scale"), integers(entry, "zero_point"));
    EXPECT_EQ(test::codes_of(q), integers(entry, "q"));
    expect_dequantized(q.dequantize<matrix>(), output(entry, "dequant"));
  }
}

/// A tensor's elements with `axis` first, the others in their order behind it.
template <class T>
test::row_major<T> axis_first(const test::npy_array<T>& tensor, std::size_t axis) {
  const auto size = [&](std::size_t first, std::size_t last) {
    std::size_t product = 1;
    for (std::size_t i = first; i < last; ++i) product *= tensor.shape[i];
    return product;
  };
  const std::size_t outer = size(0, axis), channels = tensor.shape[axis],
                    inner = size(axis + 1, tensor.shape.size());
  test::row_major<T> rows(static_cast<index_t>(channels), static_cast<index_t>(outer * inner));
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t i = 0; i < inner; ++i)
        rows(static_cast<index_t>(c), static_cast<index_t>(o * inner + i)) =
            tensor.data[(o * channels + c) * inner + i];
  return rows;
}

template <class T>
Eigen::MatrixXi load_axis_first(const json& file, std::size_t axis) {
  return axis_first(test::load_npy<T>(test::vector_path(topic, file.get<std::string>())), axis)
      .template cast<int>();
}

// Catches parameters that leak from one channel to the next, on each axis of two- and three-dimensional
// tensors.
TEST(affine_vectors, minmax_per_channel) {
  for (const json& entry : test::cases_of(topic, "minmax_quantize_per_channel")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto axis = entry["params"]["axis"].get<std::size_t>();
    const auto load = [&](const json& file) {
      return axis_first(test::load_npy<float>(test::vector_path(topic, file.get<std::string>())), axis);
    };
    const matrix x = load(entry["inputs"]["x"]);
    const auto q = quantize(x, grid_of(entry["params"]), per_channel{});
    expect_parameters(q, output(entry, "scale"), integers(entry, "zero_point"));
    expect_dequantized(q.dequantize<matrix>(), load(entry["outputs"]["dequant"]));
    if (entry["outputs"].contains("q")) {
      const json& file = entry["outputs"]["q"];
      EXPECT_EQ(test::codes_of(q), entry["params"]["dtype"] == "quint8"
                                       ? load_axis_first<std::uint8_t>(file, axis)
                                       : load_axis_first<std::int8_t>(file, axis));
    }
    // the same channels as columns
    const matrix transposed = x.transpose();
    const auto by_column = quantize(transposed, grid_of(entry["params"]), per_column{});
    EXPECT_EQ(test::codes_of(by_column), test::codes_of(q).transpose());
    expect_parameters(by_column, output(entry, "scale"), integers(entry, "zero_point"));
  }
}

// Catches another rounding of ties, and a zero point that is added before rounding.
TEST(affine_vectors, quantize_with_given_parameters) {
  for (const json& entry : test::cases_of(topic, "quantize_per_tensor")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const matrix x = test::load_matrix<float>(topic, entry["inputs"]["x"]);
    const auto& params = entry["params"];
    const affine<8> grid{{.signed_codes = params["dtype"] == "qint8"}};
    const auto q =
        quantize(x, grid, per_tensor{}, given_parameters({params["scale"]}, {params["zero_point"]}));
    EXPECT_EQ(test::codes_of(q), integers(entry, "q"));
    expect_dequantized(q.dequantize<matrix>(), output(entry, "dequant"));
  }
}

// Catches a clamp that is not at torch's fake_quantize limits for ranges below 8 bits.
TEST(affine_vectors, fake_quantize_forward) {
  for (const json& entry : test::cases_of(topic, "fake_quantize_per_tensor")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const matrix x = test::load_matrix<float>(topic, entry["inputs"]["x"]);
    const auto& params = entry["params"];
    const auto q = quantize(x, torch_grid(false, params["quant_min"], params["quant_max"]), per_tensor{},
                            given_parameters({params["scale"]}, {params["zero_point"]}));
    expect_dequantized(q.dequantize<matrix>(), output(entry, "y"));
  }
  for (const json& entry : test::cases_of(topic, "fake_quantize_per_channel")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const matrix x = test::load_matrix<float>(topic, entry["inputs"]["x"]);
    const auto scales = test::load_matrix<float>(topic, entry["inputs"]["scale"]);
    const auto zero_points = test::load_matrix<std::int32_t>(topic, entry["inputs"]["zero_point"]);
    const auto& params = entry["params"];
    const auto q = quantize(x, torch_grid(false, params["quant_min"], params["quant_max"]), per_row{},
                            given_parameters({scales.data(), scales.data() + scales.size()},
                                             {zero_points.data(), zero_points.data() + zero_points.size()}));
    expect_dequantized(q.dequantize<matrix>(), output(entry, "y"));
  }
}

}  // namespace
