#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/rounding/half_away.hpp>

#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using namespace bitgauge;

static_assert(plain_grid<fp8_e4m3> && plain_grid<fp4_e2m1> && plain_grid<mxfp4> && plain_grid<mxint8>);

// Catches a scale that clips, or wastes codes: absmax gets the largest value.
TEST(small_float_grid, the_scale_covers_the_range) {
  EXPECT_EQ(fp8_e4m3{}.scale_for({-896, 3}), 2.0f);
  EXPECT_EQ(fp4_e2m1{}.scale_for({-1, 3}), 0.5f);
  EXPECT_EQ(fp4_e2m1{}.level(fp4_e2m1{}.nearest(-3 / 0.5f)), -6.0f);
}

// Catches an encoder of many that is not the grid's, or one of 8-bit integers that rounds or saturates in
// another way than nearest() does; the last inverse makes products overflow.
TEST(small_float_grid, encodes_many_as_it_encodes_one) {
  std::vector<float> x;
  for (float value = 0; value <= 8; value += 0.125f)
    for (const float near : {value, std::nextafter(value, 9.0f), std::nextafter(value, -9.0f)})
      x.insert(x.end(), {near, -near, near / 16, -near / 16});
  x.push_back(std::numeric_limits<float>::max());
  const auto expect_same = [&](const auto& grid) {
    std::vector<std::uint8_t> fields(x.size());
    for (const float inverse : {1.0f, 0.3f, 0x1p127f}) {
      grid.encode(x.data(), std::ssize(x), inverse, fields.data());
      for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(fields[i], grid.nearest(x[i] * inverse)) << x[i];
    }
  };
  expect_same(fp4_e2m1{});
  expect_same(mxfp6_e2m3{});
  expect_same(fp8_e4m3{});
  expect_same(mxint8{});
}

// Catches the microscaling exponent rounded up or to nearest, or not limited to what E8M0 holds.
TEST(microscaling_grid, the_scale_is_the_power_of_two_below) {
  for (const float absmax : {1.0f, 1.5f, 1.999f, 2.0f, 6.0f, 1e-20f, 3e38f}) {
    const double expected = std::exp2(std::floor(std::log2(static_cast<double>(absmax))) - 2);
    EXPECT_EQ(static_cast<double>(mxfp4{}.scale_for({-absmax, 0})), expected) << absmax;
    EXPECT_EQ(static_cast<double>(mxint8{}.scale_for({0, absmax})), 4 * expected) << absmax;
  }
  EXPECT_EQ(mxfp4{}.scale_for({0, 1e-38f}), 0x1p-127f);
  EXPECT_EQ(mxfp8_e5m2{}.scale_for({0, 0}), 0x1p-127f);
  EXPECT_EQ(mxint8{}.scale_for({0, 0}), 0x1p-126f);
}

// Catches an int8 element that reaches -128, or is off by its factor of 64.
TEST(microscaling_grid, int8_elements_are_symmetric) {
  EXPECT_EQ(mxint8{}.level(0x81), -127.0f / 64);
  EXPECT_EQ(mxint8{}.nearest(-2.0f), 0x81);
  EXPECT_EQ(mxint8{}.nearest(2.0f), 127);
  EXPECT_EQ(mxint8{}.nearest(1.5f / 64), 2);  // a tie, to even
  EXPECT_EQ(mxint8{}.nearest(-0.5f / 64), 0);
}

/// Calls check(grid) with the grid of a vector's "format".
template <class Check>
void with_microscaling_grid(const std::string& format, const Check& check) {
  if (format == "fp4_e2m1") return check(mxfp4{});
  if (format == "fp6_e3m2") return check(mxfp6_e3m2{});
  if (format == "fp6_e2m3") return check(mxfp6_e2m3{});
  if (format == "fp8_e4m3") return check(mxfp8_e4m3{});
  if (format == "fp8_e5m2") return check(mxfp8_e5m2{});
  if (format == "int8") return check(mxint8{});
  FAIL() << format;
}

// Catches a wrong shared exponent, element or tie of any microscaling format, blocks of zeros and ragged rows
// included.
TEST(microscaling_grid, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("float_formats", "mx_block_quantize")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto& outputs = entry["outputs"];
    const auto x = test::load_matrix<float>("float_formats", entry["inputs"]["x"]);
    const auto codes = test::load_matrix<std::uint8_t>("float_formats", outputs["e8m0_code"]);
    with_microscaling_grid(entry["params"]["format"], [&](const auto& grid) {
      const per_block block{entry["params"]["block"].get<bitgauge::index_t>()};
      const auto even = quantize(x, grid, block, e8m0_scales);
      ASSERT_EQ(std::ssize(even.scales().bytes()), codes.size());
      EXPECT_TRUE(std::equal(codes.data(), codes.data() + codes.size(), even.scales().bytes().begin()));
      EXPECT_EQ(even.template dequantize<test::row_major<float>>(),
                test::load_matrix<float>("float_formats", outputs["dequant_even"]));
      const auto away = quantize(x, grid, block, e8m0_scales, half_away_rounding{});
      EXPECT_EQ(away.template dequantize<test::row_major<float>>(),
                test::load_matrix<float>("float_formats", outputs["dequant_nearest"]));
    });
  }
}

}  // namespace
