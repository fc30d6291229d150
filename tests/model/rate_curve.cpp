#include <bitgauge/model/budget/rate_curve.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

// Catches rates that are not those of equal slope: of c 4^-r they differ by half of log2 of the ratio of c a weight, and
// fill the budget.
TEST(rate_curve, gives_quarters_a_bit_their_closed_form) {
  const std::vector<double> costs{8, 0.5, 3}, weights{1000, 2000, 4000};
  std::vector<rate_curve> curves;
  std::vector<rated_weights> all;
  for (const double c : costs) {
    std::vector<rate_curve::point> measured;
    for (const double rate : {8.0, 0.0, 3.5, 1.0}) measured.push_back({rate, c * std::pow(4, -rate)});
    curves.emplace_back(measured);
  }
  for (std::size_t i = 0; i < 3; ++i) all.push_back({&curves[i], weights[i]});
  const auto [rates, price] = rates_of_equal_slope(all, 3000);
  double bytes = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    bytes += rates[i] * weights[i] / 8;
    EXPECT_NEAR(rates[i] - rates[0], std::log2(costs[i] / weights[i] / (costs[0] / weights[0])) / 2, 1e-9);
    EXPECT_NEAR(price * weights[i] / 8, 2 * std::log(2.0) * costs[i] * std::pow(4, -rates[i]), 1e-12);
  }
  EXPECT_NEAR(bytes, 3000, 1e-6);
  EXPECT_EQ(rates_of_equal_slope(all, 1e9).first, std::vector<double>(3, 8));
  EXPECT_EQ(rates_of_equal_slope(all, 0).first, std::vector<double>(3, 0));
}

// Catches a corner that is passed over, and an optimum that a little more here and less there would better.
TEST(rate_curve, has_rates_that_no_exchange_betters) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform;
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<rate_curve> curves;
    std::vector<rated_weights> all;
    for (int i = 0; i < 4; ++i) {
      std::vector<rate_curve::point> measured;
      for (double rate = 1; rate < 6; rate += 0.5 + uniform(random))
        measured.push_back({rate, std::exp2(4 * uniform(random) - (1 + uniform(random)) * rate)});
      curves.emplace_back(measured);
    }
    for (const rate_curve& each : curves) all.push_back({&each, 100 + std::floor(900 * uniform(random))});
    double bytes = 0;
    for (const rated_weights& each : all) bytes += 3 * each.weights / 8;
    const std::vector<double> rates = rates_of_equal_slope(all, bytes).first;
    const double step = 1e-3;  // bytes
    for (std::size_t a = 0; a < 4; ++a)
      for (std::size_t b = 0; b < 4; ++b) {
        const double more = rates[a] + 8 * step / all[a].weights, less = rates[b] - 8 * step / all[b].weights;
        if (a == b || more > curves[a].most_rate() || less < curves[b].least_rate()) continue;
        EXPECT_GE(
            curves[a].cost(more) + curves[b].cost(less) - curves[a].cost(rates[a]) - curves[b].cost(rates[b]),
            -1e-9)
            << trial;
      }
  }
}

// Catches a point measured too high that bends the curve, one beyond the least cost, and a cost of 0 that breaks it.
TEST(rate_curve, is_the_hull_of_what_was_measured) {
  const rate_curve curve({{3, 1.0 / 64}, {1, 0.25}, {2, 0.2}, {2, 0.15}, {4, 0.5}});
  EXPECT_EQ(curve.least_rate(), 1);
  EXPECT_EQ(curve.most_rate(), 3);
  EXPECT_NEAR(curve.cost(2), 1.0 / 16, 1e-12);
  EXPECT_NEAR(curve.cost(9), 1.0 / 64, 1e-12);
  EXPECT_NEAR(curve.rate_at(2 * std::log(2.0) / 16), 2, 1e-9);
  const rate_curve none({{1, 0}, {2, 0}});
  EXPECT_EQ(none.rate_at(1e-20), 1);
  EXPECT_LT(none.cost(2), 1e-200);
  EXPECT_EQ(rate_curve({{2, 3}}).rate_at(1), 2);
  EXPECT_NE(test::message_of<data_error>([] { rate_curve({}); }), "no error");
  EXPECT_NE(test::message_of<data_error>([] { rate_curve({{1, -1}}); }), "no error");
}

}  // namespace
