#include <bitgauge/kernel/requantize.hpp>

#include "support/each_instruction_set.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace bitgauge {
namespace {

constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min(),
                       highest = std::numeric_limits<std::int32_t>::max();

// Catches ties that go the other way, and the one product that does not fit.
TEST(requantize, integer_steps_round_as_gemmlowp_does) {
  EXPECT_EQ(rounding_doubling_high_multiply(1 << 30, 1 << 30), 1 << 29);
  EXPECT_EQ(rounding_doubling_high_multiply(lowest, lowest), highest);
  EXPECT_EQ(rounding_doubling_high_multiply(lowest, highest), -highest);
  EXPECT_EQ(rounding_doubling_high_multiply(1 << 15, 1 << 15), 1);     // 0.5
  EXPECT_EQ(rounding_doubling_high_multiply(-(1 << 15), 1 << 15), 0);  // -0.5
  EXPECT_EQ(rounding_doubling_high_multiply(3 << 15, 1 << 15), 2);     // 1.5
  EXPECT_EQ(rounding_doubling_high_multiply(-3 << 15, 1 << 15), -1);   // -1.5
  EXPECT_EQ(rounding_shift_right(5, 1), 3);                            // 2.5
  EXPECT_EQ(rounding_shift_right(-5, 1), -3);
  EXPECT_EQ(rounding_shift_right(-1, 2), 0);
  EXPECT_EQ(rounding_shift_right(-7, 0), -7);
  EXPECT_EQ(rounding_shift_right(highest, 31), 1);
  EXPECT_EQ(rounding_shift_right(lowest, 31), -1);
}

// Catches a mantissa that rounds up to 2^31, and multipliers that the shift has no room for.
TEST(requantize, multipliers_are_normalised) {
  const std::int32_t half = 1 << 30;
  EXPECT_EQ(make_fixed_point_multiplier(0.5), (fixed_point_multiplier{half, 0}));
  EXPECT_EQ(make_fixed_point_multiplier(1), (fixed_point_multiplier{half, 1}));
  EXPECT_EQ(make_fixed_point_multiplier(1 - 0x1p-40), (fixed_point_multiplier{half, 1}));
  EXPECT_EQ(make_fixed_point_multiplier(0.75 * 0x1p-20), (fixed_point_multiplier{half / 2 * 3, -20}));
  EXPECT_EQ(make_fixed_point_multiplier(0x1p-32), (fixed_point_multiplier{half, -31}));
  EXPECT_EQ(make_fixed_point_multiplier(0x1p-33), fixed_point_multiplier{});
  EXPECT_EQ(make_fixed_point_multiplier(0), fixed_point_multiplier{});
  EXPECT_EQ(make_fixed_point_multiplier(1e300)(1), highest - 1);
  EXPECT_EQ(make_fixed_point_multiplier(1e300)(-1), -highest);
  EXPECT_EQ(make_fixed_point_multiplier(1e300)(0), 0);
  for (const double wrong : {-1.0, std::numeric_limits<double>::infinity(), std::nan("")})
    EXPECT_NE(test::message_of<data_error>([&] { make_fixed_point_multiplier(wrong); }), "no error");
}

/// The three forms by their definitions, in wider numbers.
std::int64_t expected(std::int64_t sum, double multiplier, requantization form) {
  if (form == requantization::exact)
    return static_cast<std::int64_t>(
        std::nearbyint(std::clamp(static_cast<double>(sum) * multiplier, -1e9, 1e9)));
  if (form == requantization::single) {
    const float product = static_cast<float>(sum) * static_cast<float>(multiplier);
    return static_cast<std::int64_t>(std::nearbyint(std::clamp(product, -1e9f, 1e9f)));
  }
  int shift = 0;
  long double mantissa = std::round(std::ldexp(std::frexp(static_cast<long double>(multiplier), &shift), 31));
  if (shift < -31) return 0;
  const long double shifted =
      std::clamp<long double>(std::ldexp(static_cast<long double>(sum), std::max(shift, 0)), lowest, highest);
  const long double high = std::floor(std::ldexp(shifted * mantissa, -31) + 0.5L);
  return static_cast<std::int64_t>(std::round(std::ldexp(high, std::min(shift, 0))));
}

template <byte_code Code>
void every_code_is_the_definitions(requantization form, std::int32_t zero_point) {
  std::mt19937 random(7);
  for (std::size_t count = 1; count < 70; ++count) {
    std::vector<std::int32_t> sums(count), bias(count);
    std::vector<double> multipliers(count);
    for (std::size_t i = 0; i < count; ++i) {
      // sums of all sizes whose products are codes, or far beyond
      const int bits = static_cast<int>(random() % 31);
      sums[i] = static_cast<std::int32_t>(random()) >> (31 - bits);
      multipliers[i] =
          std::ldexp(static_cast<double>(random() % 1000 + 1), 1 - static_cast<int>(random() % 10) - bits);
      if (i % 5 == 0)
        multipliers[i] = 0.5, sums[i] = static_cast<std::int32_t>(random() % 600) - 300;  // ties
      if (i % 11 == 0) sums[i] = i % 2 == 0 ? lowest : highest;
      if (i % 13 == 0) multipliers[i] = i % 2 == 0 ? 1e-30 : 3e9;
      bias[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(static_cast<std::int32_t>(random()) >> 20,
                                                                   std::int64_t{lowest} - sums[i],
                                                                   std::int64_t{highest} - sums[i]));
    }
    const requantizer codes(multipliers, zero_point, form);
    std::vector<Code> plain(count), with_bias(count);
    codes(std::span<const std::int32_t>(sums), {}, std::span<Code>(plain));
    codes(std::span<const std::int32_t>(sums), bias, std::span<Code>(with_bias));
    for (std::size_t i = 0; i < count; ++i) {
      const auto clamped = [&](std::int64_t sum) {
        return std::clamp<std::int64_t>(expected(sum, multipliers[i], form) + zero_point,
                                        std::numeric_limits<Code>::min(), std::numeric_limits<Code>::max());
      };
      ASSERT_EQ(plain[i], clamped(sums[i])) << sums[i] << " * " << multipliers[i];
      ASSERT_EQ(with_bias[i], clamped(std::int64_t{sums[i]} + bias[i])) << sums[i] << " + " << bias[i];
    }
  }
}

// Catches rounding in other numbers than the form says, ties away from even, codes that wrap where they
// should be clamped, and an instruction set that differs.
TEST(requantize, every_form_is_its_definition) {
  test::on_each_instruction_set([] {
    for (const auto form : {requantization::exact, requantization::single, requantization::fixed_point}) {
      for (const int zero_point : {-128, -3, 0, 127})
        every_code_is_the_definitions<std::int8_t>(form, zero_point);
      for (const int zero_point : {0, 51, 255}) every_code_is_the_definitions<std::uint8_t>(form, zero_point);
    }
  });
}

TEST(requantize, sizes_must_agree) {
  const std::vector<double> multipliers(3, 0.5);
  const requantizer codes(multipliers, 0, requantization::exact);
  const std::vector<std::int32_t> sums(3);
  std::vector<std::int8_t> out(2);
  EXPECT_EQ(test::message_of<shape_error>(
                [&] { codes(std::span<const std::int32_t>(sums), {}, std::span<std::int8_t>(out)); }),
            "requantizer of 3 outputs: found 3 sums, 0 biases, 2 codes");
}

}  // namespace
}  // namespace bitgauge
