#include <bitgauge/grid/fitted_codebook.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace {

using namespace bitgauge;

double weighted_error(const std::vector<float>& x, const std::vector<float>& w,
                      const std::vector<float>& levels) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double least = HUGE_VAL;
    for (const float level : levels)
      least = std::min(least, std::pow(static_cast<double>(x[i]) - static_cast<double>(level), 2));
    sum += least * (w.empty() ? 1.0 : static_cast<double>(w[i]));
  }
  return sum;
}

/// The least error over every way to cut sorted points into runs, by recursion.
double brute_force(const std::vector<std::pair<float, float>>& points, std::size_t from, int runs) {
  if (from == points.size()) return 0;
  if (runs == 0) return HUGE_VAL;
  double best = HUGE_VAL;
  for (std::size_t to = from + 1; to <= points.size(); ++to) {
    double weight = 0, mean = 0, error = 0;
    for (std::size_t i = from; i < to; ++i) {
      weight += static_cast<double>(points[i].second);
      mean += static_cast<double>(points[i].second) * static_cast<double>(points[i].first);
    }
    for (std::size_t i = from; i < to && weight > 0; ++i)
      error += static_cast<double>(points[i].second) *
               std::pow(static_cast<double>(points[i].first) - mean / weight, 2);
    best = std::min(best, error + brute_force(points, to, runs - 1));
  }
  return best;
}

// Catches a cut that is only locally best, weights that are not heard, and too few points.
TEST(fit_levels, is_the_global_optimum) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 150; ++trial) {
    std::vector<float> x(1 + random() % 11), w;
    for (float& value : x) value = static_cast<float>(random() % 40) / 4;
    for (std::size_t i = 0; trial % 2 != 0 && i < x.size(); ++i)
      w.push_back(static_cast<float>(1 + random() % 9));
    const int count = 1 + static_cast<int>(random() % 5);
    std::vector<std::pair<float, float>> points;
    for (std::size_t i = 0; i < x.size(); ++i) points.emplace_back(x[i], w.empty() ? 1.0f : w[i]);
    std::sort(points.begin(), points.end());
    EXPECT_NEAR(weighted_error(x, w, fit_levels(x, count, w)), brute_force(points, 0, count), 1e-4);
  }
}

// Catches a fit that misses the Lloyd-Max quantizer of the normal distribution (Max, 1960: distortions .1175,
// .03454, .009497 at 2, 3 and 4 bits); the samples exceed 32768, so that neighbours are joined.
TEST(fit_levels, finds_the_lloyd_max_quantizer) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  const Eigen::RowVectorXf x = Eigen::RowVectorXf::NullaryExpr(1 << 18, [&] { return normal(random); });
  const std::span<const float> values(x.data(), static_cast<std::size_t>(x.size()));
  constexpr double distortion[] = {0.1175, 0.03454, 0.009497};
  for (int bits = 2; bits <= 4; ++bits) {
    const codebook_grid grid(fit_levels(values, 1 << bits));
    EXPECT_EQ(grid.bits(), bits);
    const auto q = quantize(x, grid, per_tensor{}, given_parameters({1}));
    EXPECT_NEAR((x - q.dequantize<Eigen::RowVectorXf>()).squaredNorm() / x.squaredNorm(),
                distortion[bits - 2], 0.01 * distortion[bits - 2]);
  }
}

// Catches settings and data that have no best codebook.
TEST(fit_levels, refuses_what_has_no_answer) {
  const std::vector<float> x{1, 2};
  EXPECT_EQ(test::message_of<invalid_scheme>([&] { fit_levels(x, 0); }),
            "fitted codebook: expected 1 to 256 levels, found 0");
  EXPECT_EQ(test::message_of<shape_error>([&] { fit_levels(x, 2, std::vector<float>{1}); }),
            "fitted codebook: expected 2 weights, found 1");
  EXPECT_EQ(test::message_of<data_error>([&] {
              fit_levels(x, 2, std::vector<float>{0, 0});
            }),
            "fitted codebook: expected values of positive weight, found none");
  EXPECT_EQ(test::message_of<data_error>([&] {
              fit_levels(x, 2, std::vector<float>{1, -1});
            }),
            "fitted codebook: value 1: expected a finite value with a finite weight from 0 up");
  EXPECT_EQ(fit_levels(x, 4), x);
}

}  // namespace
