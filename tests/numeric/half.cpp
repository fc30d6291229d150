#include <bitgauge/numeric/half.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

// The reference vectors of both formats are in small_float.cpp.
namespace {

using namespace bitgauge::numeric;

static_assert(half_from_float(1) == 0x3c00 && half_to_float(0x3c00) == 1);
static_assert(bfloat16_from_float(1) == 0x3f80 && bfloat16_to_float(0x3f80) == 1);

/// The value of a 16-bit pattern by the definition in IEEE 754.
double value_by_definition(std::uint32_t pattern, int fraction_bits, int bias) {
  const std::uint32_t fraction = pattern & ((1u << fraction_bits) - 1u),
                      exponent = (pattern & 0x7fffu) >> fraction_bits;
  const double significand = fraction + (exponent == 0 ? 0.0 : std::ldexp(1.0, fraction_bits));
  const int power = (exponent == 0 ? 1 : static_cast<int>(exponent)) - bias - fraction_bits;
  return std::ldexp((pattern & 0x8000u) != 0 ? -significand : significand, power);
}

struct format {
  int fraction_bits, bias;
  std::uint32_t infinity;
  float (*to_float)(std::uint16_t);
  std::uint16_t (*from_float)(float);
};
constexpr format formats[] = {{10, 15, 0x7c00, half_to_float, half_from_float},
                              {7, 127, 0x7f80, bfloat16_to_float, bfloat16_from_float}};

// Catches any pattern that is decoded wrongly or does not come back, signs of zero included.
TEST(half, every_finite_pattern_is_exact) {
  for (const format& f : formats)
    for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
      if ((pattern & 0x7fffu) >= f.infinity) continue;
      const float value = f.to_float(static_cast<std::uint16_t>(pattern));
      ASSERT_EQ(value, value_by_definition(pattern, f.fraction_bits, f.bias)) << pattern;
      ASSERT_EQ(f.from_float(value), pattern);
    }
}

// Catches a tie that does not go to even and any half-way point that is off by one ulp, from the subnormals
// to the overflow threshold.
TEST(half, rounds_every_midpoint_to_even) {
  for (const format& f : formats)
    for (std::uint32_t pattern = 0; pattern < f.infinity; ++pattern)
      for (const std::uint32_t sign : {0u, 0x8000u}) {
        // the pattern above the largest finite one stands for the next power of two when it comes to rounding
        const double midpoint = (value_by_definition(pattern, f.fraction_bits, f.bias) +
                                 value_by_definition(pattern + 1, f.fraction_bits, f.bias)) /
                                2;
        const auto middle = static_cast<float>(sign != 0 ? -midpoint : midpoint);
        if (std::fabs(static_cast<double>(middle)) != midpoint) continue;  // below binary32's last subnormal
        const float outward = std::nextafter(middle, sign != 0 ? -HUGE_VALF : HUGE_VALF);
        const float inward = std::nextafter(middle, 0.0f);
        const std::uint32_t even = pattern % 2 == 0 ? pattern : pattern + 1;
        ASSERT_EQ(f.from_float(middle), sign | even) << middle;
        ASSERT_EQ(f.from_float(outward), sign | (pattern + 1)) << outward;
        ASSERT_EQ(f.from_float(inward), sign | pattern) << inward;
      }
}

// Catches a NaN whose payload is in the lower bits alone and would be cut to an infinity.
TEST(half, special_values) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(half_from_float(-infinity), 0xfc00);
  EXPECT_EQ(bfloat16_from_float(infinity), 0x7f80);
  EXPECT_EQ(half_from_float(std::numeric_limits<float>::max()), 0x7c00);
  for (const std::uint32_t pattern : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0x7fc00000u}) {
    const auto x = std::bit_cast<float>(pattern);
    EXPECT_TRUE(is_nan(half_to_float(half_from_float(x))));
    EXPECT_TRUE(is_nan(bfloat16_to_float(bfloat16_from_float(x))));
  }
  EXPECT_TRUE(is_infinite(half_to_float(0x7c00)) && is_nan(half_to_float(0x7c01)));
}

}  // namespace
