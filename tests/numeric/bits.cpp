#include <bitgauge/numeric/bits.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace {

using namespace bitgauge::numeric;

constexpr float infinite = std::numeric_limits<float>::infinity();

static_assert(is_nan(std::numeric_limits<float>::quiet_NaN()) && !is_nan(infinite) && !is_nan(0));
static_assert(is_infinite(-infinite) && !is_infinite(std::numeric_limits<float>::max()));
static_assert(is_negative(-0.0f) && !is_negative(0.0f));

// Catches a class of patterns (signalling NaN, subnormals, both signs) that is sorted wrongly: a walk over
// all exponents and the ends of all fractions.
TEST(bits, agree_with_the_standard_library) {
  for (std::uint32_t exponent = 0; exponent < 512; ++exponent)  // the sign is the upper bit
    for (const std::uint32_t fraction : {0u, 1u, 0x3fffffu, 0x400000u, 0x7fffffu}) {
      const auto x = std::bit_cast<float>(exponent << 23 | fraction);
      EXPECT_EQ(is_nan(x), std::isnan(x));
      EXPECT_EQ(is_infinite(x), std::isinf(x));
      EXPECT_EQ(is_finite(x), std::isfinite(x));
      EXPECT_EQ(is_negative(x), std::signbit(x));
    }
}

// Catches an order of magnitudes in which NaN could pass for the largest finite value.
TEST(bits, magnitudes_are_ordered) {
  const float ascending[] = {0, std::numeric_limits<float>::denorm_min(), 1,
                             std::numeric_limits<float>::max(), infinite};
  for (int i = 0; i + 1 < 5; ++i) EXPECT_LT(magnitude_bits(-ascending[i]), magnitude_bits(ascending[i + 1]));
  EXPECT_GT(magnitude_bits(std::bit_cast<float>(0xff800001u)), magnitude_bits(infinite));
}

}  // namespace
