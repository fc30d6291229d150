#include <bitgauge/range/percentile.hpp>
#include <bitgauge/scale/storage.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bitgauge {
namespace {

parameters fit(double percent, const std::vector<float>& x, const std::vector<float>& w,
               const integer_grid& grid) {
  return percentile_range{percent}.fit({x, w, 0}, detail::any_grid_of<integer_grid>(grid), scale_codec());
}

// Catches another definition between the values: value i of n stands at (i - 1/2) / n, so that of 11
// magnitudes 0 .. 10 the 95th percentile is 0.95 * 11 - 0.5.
TEST(percentile_range, interpolates_between_order_statistics) {
  const std::vector<float> x{-10, 1, -2, 3, 4, -5, 6, 7, -8, 9, 0};
  EXPECT_FLOAT_EQ(fit(95, x, {}, make_symmetric(8)).scale, 9.95f / 127);
  EXPECT_FLOAT_EQ(fit(100, x, {}, make_symmetric(8)).scale, 10.0f / 127);
}

// Catches the whole share taken from each end instead of half of it: sorted -10 -8 -5 -2 0 1 3 4 6 7 9,
// positions 0.5 and 9.5 for 90 percent.
TEST(percentile_range, affine_leaves_out_half_at_each_end) {
  const std::vector<float> x{-10, 1, -2, 3, 4, -5, 6, 7, -8, 9, 0};
  const parameters p = fit(90, x, {}, make_affine(8));
  EXPECT_FLOAT_EQ(p.scale, (9.9f + 8.9f) / 255.0f);
  EXPECT_EQ(p.zero_point, 134);  // 9.9 / (18.8 / 255) = 134.3
}

// Catches a range that leaves zero out.
TEST(percentile_range, includes_zero) {
  EXPECT_FLOAT_EQ(fit(100, {5, 6, 7}, {}, make_affine(8)).scale, 7.0f / 255);
}

// Catches weights that are ignored, or counted at one end of a value only: equal weights change nothing, a
// zero weight removes the value, and reversing signs mirrors the result.
TEST(percentile_range, weights) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> x(101), negative, w(101, 0.25f);
  for (float& v : x) v = normal(random);
  for (const float v : x) negative.push_back(-v);
  const integer_grid grid = make_symmetric(8);
  EXPECT_NEAR(fit(97, x, w, grid).scale, fit(97, x, {}, grid).scale, 1e-7);
  w[7] = 0;
  std::vector<float> without = x;
  without.erase(without.begin() + 7);
  EXPECT_NEAR(fit(97, x, w, grid).scale, fit(97, without, {}, grid).scale, 1e-7);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 5);
  EXPECT_NEAR(fit(90, x, w, make_affine(8)).scale, fit(90, negative, w, make_affine(8)).scale, 1e-6);
  // values 0, 1, 2 of weights 1, 2, 1 stand at 0.5, 2 and 3.5 of 4: the middle of the last two is at 2.75
  EXPECT_FLOAT_EQ(fit(100 * 2.75 / 4, {0, 1, 2}, {1, 2, 1}, grid).scale, 1.5f / 127);
  EXPECT_FLOAT_EQ(fit(100, {0, 1, 2}, {1, 2, 1}, grid).scale, 2.0f / 127);
}

TEST(percentile_range, one_bit_scale_is_the_mean_of_cut_magnitudes) {
  EXPECT_FLOAT_EQ(fit(50, {1, -2, 30}, {}, make_symmetric(1)).scale, (1 + 2 + 2) / 3.0f);
}

TEST(percentile_range, rejects_what_is_no_percentage) {
  EXPECT_EQ(test::message_of<invalid_scheme>([] { fit(0, {1}, {}, make_symmetric(8)); }),
            "percentile: expected more than 0 and at most 100, found 0.000000");
  EXPECT_NE(test::message_of<invalid_scheme>([] { fit(100.5, {1}, {}, make_symmetric(8)); }), "no error");
}

}  // namespace
}  // namespace bitgauge
