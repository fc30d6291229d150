#include <bitgauge/range/kl.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace bitgauge {
namespace {

parameters fit(const std::vector<float>& x, const integer_grid& grid, const std::vector<float>& w = {},
               int bins = 0) {
  return kl_range{bins}.fit({x, w, 0}, detail::grid_model_of<integer_grid>(grid), scale_rounding());
}

std::vector<float> laplace(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::exponential_distribution<float> exponential;
  std::vector<float> x(count);
  for (float& v : x) v = random() % 2 == 0 ? exponential(random) : -exponential(random);
  return x;
}

// Catches tails that cost nothing (the threshold would shrink to the smallest window) and a search that never
// clips (it would stay at the largest value, 3 outliers among 60000).
TEST(kl_range, clips_outliers_but_not_the_bulk) {
  std::vector<float> x = laplace(60000, 1);
  for (const float outlier : {40.0f, -41.0f, 39.0f}) x.push_back(outlier);
  for (const int bits : {4, 8}) {
    const integer_grid grid = make_symmetric(bits);
    const float limit = fit(x, grid).scale * static_cast<float>(grid.highest);
    EXPECT_GT(limit, 3) << bits;
    EXPECT_LT(limit, 30) << bits;
  }
}

// D(P || Q) by hand. Counts 4 0 2 2 with two bins a code: Q spreads 4 over the first bin alone (the second is
// empty) and 4 evenly over the last two, so nothing is lost; with one value clipped into the last bin P is
// 4 0 2 3 of 9 and Q 4 0 2 2 of 8.
TEST(kl_range, divergence_by_hand) {
  const std::vector<double> inside{4, 0, 2, 2}, clipped{4, 0, 2, 3};
  std::vector<double> spread;
  detail::merge_and_spread(
      inside, [](std::size_t i) { return i / 2; }, spread);
  EXPECT_EQ(spread, inside);
  const double expected = 4 / 9.0 * std::log((4 / 9.0) / (4 / 8.0)) +
                          2 / 9.0 * std::log((2 / 9.0) / (2 / 8.0)) +
                          3 / 9.0 * std::log((3 / 9.0) / (2 / 8.0));
  EXPECT_NEAR(detail::divergence(clipped, spread), expected, 1e-15);
  detail::merge_and_spread(
      std::vector<double>{3, 1, 0, 6}, [](std::size_t i) { return i / 2; }, spread);
  EXPECT_EQ(spread, (std::vector<double>{2, 2, 0, 6}));
}

// Catches a window that holds nothing, on which the divergence is not defined, being chosen.
TEST(kl_range, two_far_values) {
  std::vector<float> x(1000, 9.0f);
  x.resize(2000, 10.0f);
  const integer_grid grid = make_symmetric(4);
  EXPECT_GT(fit(x, grid).scale * 7, 8.9f);
}

// Catches an affine range that reaches beyond the data on the empty side.
TEST(kl_range, affine_stays_within_the_extent) {
  std::vector<float> x = laplace(20000, 2);
  for (float& v : x) v = std::fabs(v);
  const parameters p = fit(x, make_affine(8));
  EXPECT_EQ(p.zero_point, 0);
  EXPECT_LT(p.scale * 255, 14);
}

// Catches weights that are ignored: outliers of no weight do not count to the histogram.
TEST(kl_range, weights_count) {
  std::vector<float> x = laplace(20000, 3), w(20000, 1);
  const integer_grid grid = make_symmetric(8);
  for (std::size_t i = 0; i < x.size(); ++i) w[i] = std::fabs(x[i]) < 2 ? 1 : 0;
  EXPECT_LT(fit(x, grid, w).scale, 0.5f * fit(x, grid).scale);
}

TEST(kl_range, small_and_empty_groups) {
  const integer_grid grid = make_symmetric(4);
  EXPECT_EQ(fit({0, 0, 0}, grid).scale, 0);
  EXPECT_GT(fit({1, -2, 3}, grid).scale, 0);
  EXPECT_FLOAT_EQ(fit({1, -2, 3}, make_symmetric(1)).scale, 2);
}

}  // namespace
}  // namespace bitgauge
