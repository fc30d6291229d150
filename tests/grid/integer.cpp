#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/integer.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace {

using namespace bitgauge;

static_assert(grid<symmetric<4>> && grid<affine<8>> && grid<integer_grid>);
static_assert(integer_grid_like<symmetric<4>> && !plain_grid<symmetric<4>>);
static_assert(!grid<int> && !grid<interval> && !grid<float>);
// a scheme is a structural value: a grid can be a template argument
template <integer_grid Grid>
constexpr int highest_code = Grid.highest;
static_assert(highest_code<make_affine(4)> == 15 && highest_code<make_symmetric(4)> == 7);
static_assert(integer_grid(symmetric<4>{}) == make_symmetric(4));

struct expected_codes {
  integer_grid grid;
  int lowest, highest, center;
  float steps;
};

// Catches a range of codes or a divisor that is off by one in any convention.
TEST(integer, codes_of_every_convention) {
  for (int bits = 2; bits <= 8; ++bits) {
    const int half = 1 << (bits - 1);
    const auto restricted = static_cast<float>(half - 1), middle = static_cast<float>(2 * half - 1) / 2,
               whole = static_cast<float>(2 * half - 1);
    const expected_codes table[] = {
        {make_symmetric(bits), 1 - half, half - 1, 0, restricted},
        {make_symmetric(bits, {.full = true}), -half, half - 1, 0, restricted},
        {make_symmetric(bits, {.unsigned_codes = true}), 1, 2 * half - 1, half, restricted},
        {make_symmetric(bits, {.full = true, .unsigned_codes = true}), 0, 2 * half - 1, half, restricted},
        {make_symmetric(bits, {.torch = true}), -half, half - 1, 0, middle},
        {make_symmetric(bits, {.unsigned_codes = true, .torch = true}), 0, 2 * half - 1,
         bits == 8 ? 128 : half - 1, middle},
        {make_affine(bits), 0, 2 * half - 1, 0, whole},
        {make_affine(bits, {.signed_codes = true}), -half, half - 1, 0, whole},
        {make_affine(bits, {.signed_codes = true, .restricted = true}), 1 - half, half - 1, 0, whole - 1},
    };
    for (const expected_codes& e : table) {
      EXPECT_EQ(e.grid.bits(), bits);
      EXPECT_EQ(e.grid.lowest, e.lowest);
      EXPECT_EQ(e.grid.highest, e.highest);
      EXPECT_EQ(e.grid.center, e.center);
      EXPECT_EQ(e.grid.steps, e.steps);
    }
  }
}

// Catches one bit that stands for 0 and scale instead of -scale and +scale.
TEST(integer, one_bit_is_a_sign) {
  const integer_grid grid = make_symmetric(1);
  EXPECT_TRUE(grid.is_sign_only());
  EXPECT_FALSE(make_affine(1).is_sign_only());
  EXPECT_EQ(grid.level(0), -1);
  EXPECT_EQ(grid.level(1), 1);
  EXPECT_EQ(grid.nearest(-0.001f, 0), 0);
  EXPECT_EQ(grid.nearest(0, 0), 1);
}

// Catches a field whose level is not the code that was packed into it.
TEST(integer, levels_are_the_codes) {
  for (int bits = 2; bits <= 8; ++bits)
    for (const integer_grid& grid : {make_affine(bits), make_affine(bits, {.signed_codes = true})})
      for (int code = grid.lowest; code <= grid.highest; ++code)
        EXPECT_EQ(grid.level(code & ((1 << bits) - 1)), static_cast<float>(code));
}

// Catches a nearest code that a brute-force search over all codes would beat, a tie that does not go to the
// even side of the zero point, a value far outside that wraps.
TEST(integer, nearest_is_nearest) {
  for (const int bits : {2, 3, 4, 8})
    for (const integer_grid& grid : {make_affine(bits), make_affine(bits, {.signed_codes = true}),
                                     make_symmetric(bits), make_symmetric(bits, {.full = true})})
      for (int zero_point = grid.has_zero_point ? grid.lowest : 0;
           zero_point <= (grid.has_zero_point ? grid.highest : 0); ++zero_point)
        for (const float value : {0.0f, 0.49f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 3.7f, -6.2f, 254.5f, -127.5f,
                                  1e30f, -1e30f, std::numeric_limits<float>::max()}) {
          const double target = std::clamp<double>(value, -1000, 1000);  // so that distances differ in double
          int best = grid.lowest;
          for (int code = grid.lowest; code <= grid.highest; ++code) {
            const double distance = std::fabs(code - zero_point - target),
                         least = std::fabs(best - zero_point - target);
            if (distance < least || (distance == least && (code - zero_point) % 2 == 0)) best = code;
          }
          ASSERT_EQ(grid.level(grid.nearest(value, zero_point)), static_cast<float>(best))
              << value << " + " << zero_point << ", " << bits << " bits";
        }
}

// Catches a zero point of [-a, a] that hangs on the last bit of a; 255 / 2 = 127.5 goes to the even 128.
TEST(integer, symmetric_ranges_share_one_zero_point) {
  std::mt19937 generator(1);
  const int expected[] = {0, 0, 2, 4, 8, 16, 32, 64, 128};  // (2^bits - 1) / 2, ties to even
  for (int bits = 1; bits <= 8; ++bits)
    for (int i = 0; i < 1000; ++i) {
      const float a = std::ldexp(static_cast<float>(generator() >> 8) + 1, -12);
      const integer_grid grid = make_affine(bits);
      ASSERT_EQ(grid.zero_point_for({-a, a}, grid.scale_for({-a, a})), expected[bits]) << a << ", " << bits;
    }
}

// Catches a tolerance for ties that moves zero points which are no ties.
TEST(integer, zero_points_are_nearest) {
  std::mt19937 generator(2);
  const integer_grid grid = make_affine(8);
  for (int i = 0; i < 20000; ++i) {
    const float low = -static_cast<float>(generator() >> 8), high = static_cast<float>(generator() >> 8);
    const float scale = grid.scale_for({low, high});
    const double exact = -static_cast<double>(low) / static_cast<double>(scale);
    ASSERT_LE(std::fabs(grid.zero_point_for({low, high}, scale) - exact), 0.5 + 1e-4);
  }
}

// Catches a zero point that is no code: a scale stored a little smaller than the range asks leaves more steps below zero than
// there are codes.
TEST(integer, zero_points_are_codes) {
  EXPECT_EQ(make_affine(4).zero_point_for({-1.5f, 0}, 0.09f), 15);  // 16.7 steps
  EXPECT_EQ(make_affine(4, {.signed_codes = true}).zero_point_for({-1.5f, 0}, 0.09f), 7);
  EXPECT_EQ(make_affine(8).zero_point_for({-1e30f, 0}, 1.0f), 255);
}

// Catches torch's quotient replaced by the steady one: its observer gives 127 for this range (40 / 255 is
// rounded up, so -20 / scale is -127.49999).
TEST(integer, torch_keeps_its_quotient) {
  const integer_grid grid = make_affine(8, {.torch = true});
  EXPECT_EQ(grid.zero_point_for({-20, 20}, grid.scale_for({-20, 20})), 127);
}

// Catches an infinite scale where the length of a range overflows, and scales below torch's smallest.
TEST(integer, scales_at_the_ends_of_binary32) {
  constexpr float largest = std::numeric_limits<float>::max();
  EXPECT_FLOAT_EQ(make_affine(8).scale_for({-largest, largest}), largest / 127.5f);
  EXPECT_EQ(make_affine(8).scale_for({0, 0}), 0);
  EXPECT_EQ(make_affine(8, {.torch = true}).scale_for({0, 0}), 0x1p-23f);
  EXPECT_EQ(make_symmetric(8, {.torch = true}).scale_for({0, 1e-9f}), 0x1p-23f);
}

TEST(integer, refuses_other_widths) {
  EXPECT_EQ(test::message_of<invalid_scheme>([] { make_affine(9); }), "bits: expected 1 to 8, found 9");
  EXPECT_EQ(test::message_of<invalid_scheme>([] { make_symmetric(0); }), "bits: expected 1 to 8, found 0");
}

}  // namespace
