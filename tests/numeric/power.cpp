#include <bitgauge/numeric/power.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge::numeric;

// Catches a series cut too short or a wrong reduction, over the exponents of floats.
TEST(power, agrees_with_the_library) {
  for (double x = 1e-38; x < 1e38; x *= 1.37) {
    EXPECT_NEAR(portable_log2(x), std::log2(x), 1e-13) << x;
    EXPECT_NEAR(portable_power(x, -0.3) / std::pow(x, -0.3), 1, 1e-13) << x;
    EXPECT_NEAR(portable_power(x, 0.7) / std::pow(x, 0.7), 1, 1e-13) << x;
  }
  EXPECT_EQ(portable_log2(8), 3.0);
  EXPECT_EQ(portable_exp2(-4), 0.0625);
}

}  // namespace
