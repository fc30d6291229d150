#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/normal_float.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <span>

namespace {

using namespace bitgauge;

/// The normal quantile by bisection of the C library's erfc.
double quantile(double probability) {
  double low = 0, high = 4;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (1 - std::erfc(middle / std::sqrt(2.0)) / 2 < probability ? low : high) = middle;
  }
  return low;
}

// Catches a construction that is not the published one: bitsandbytes' table at 4 bits, to the bit.
TEST(normal_float, of_4_bits_is_nf4) {
  EXPECT_EQ(normal_float_levels<4>, nf4_levels);
}

// Catches halves of the wrong size, another offset, and a quantile function that is off.
TEST(normal_float, levels_are_quantiles) {
  for (int bits = 2; bits <= 6; ++bits) {
    const codebook_grid grid = make_normal_float(bits);
    ASSERT_EQ(grid.bits(), bits);
    const int half = 1 << (bits - 1);
    const double d = 0.9677083, top = quantile(d);
    for (int i = 0; i <= half; ++i)
      EXPECT_NEAR(static_cast<double>(grid.level(half - 1 + i)), quantile(0.5 + i * (d - 0.5) / half) / top,
                  3e-7);
    for (int i = 1; i < half; ++i)
      EXPECT_NEAR(static_cast<double>(grid.level(half - 1 - i)),
                  -quantile(0.5 + i * (d - 0.5) / (half - 1)) / top, 3e-7);
    EXPECT_EQ(grid.level(half - 1), 0);
    EXPECT_EQ(grid.level(0), -1);
    EXPECT_EQ(grid.level(2 * half - 1), 1);
  }
  for (const int bits : {1, 7})
    EXPECT_EQ(test::message_of<invalid_scheme>([&] { make_normal_float(bits); }),
              "normal_float: bits: expected 2 to 6, found " + std::to_string(bits));
}

}  // namespace
