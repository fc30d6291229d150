#include <bitgauge/grid/model.hpp>
#include <bitgauge/grid/small_float.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;

static_assert(plain_grid<fp8_e4m3> && plain_grid<fp4_e2m1> && plain_grid<mx_fp4> && plain_grid<mx_int8>);

// Catches a scale that clips, or wastes codes: absmax gets the largest value.
TEST(small_float_grid, the_scale_covers_the_range) {
  EXPECT_EQ(fp8_e4m3{}.scale_for({-896, 3}), 2.0f);
  EXPECT_EQ(fp4_e2m1{}.scale_for({-1, 3}), 0.5f);
  EXPECT_EQ(fp4_e2m1{}.level(fp4_e2m1{}.nearest(-3 / 0.5f)), -6.0f);
}

// Catches the microscaling exponent rounded up or to nearest, or not limited to what E8M0 holds.
TEST(microscaling_grid, the_scale_is_the_power_of_two_below) {
  for (const float absmax : {1.0f, 1.5f, 1.999f, 2.0f, 6.0f, 1e-20f, 3e38f}) {
    const double expected = std::exp2(std::floor(std::log2(static_cast<double>(absmax))) - 2);
    EXPECT_EQ(static_cast<double>(mx_fp4{}.scale_for({-absmax, 0})), expected) << absmax;
    EXPECT_EQ(static_cast<double>(mx_int8{}.scale_for({0, absmax})), 4 * expected) << absmax;
  }
  EXPECT_EQ(mx_fp4{}.scale_for({0, 1e-38f}), 0x1p-127f);
  EXPECT_EQ(mx_fp8_e5m2{}.scale_for({0, 0}), 0x1p-127f);
  EXPECT_EQ(mx_int8{}.scale_for({0, 0}), 0x1p-126f);
}

// Catches an int8 element that reaches -128, or is off by its factor of 64.
TEST(microscaling_grid, int8_elements_are_symmetric) {
  EXPECT_EQ(mx_int8{}.level(0x81), -127.0f / 64);
  EXPECT_EQ(mx_int8{}.nearest(-2.0f), 0x81);
  EXPECT_EQ(mx_int8{}.nearest(2.0f), 127);
  EXPECT_EQ(mx_int8{}.nearest(1.5f / 64), 2);  // a tie, to even
  EXPECT_EQ(mx_int8{}.nearest(-0.5f / 64), 0);
}

}  // namespace
