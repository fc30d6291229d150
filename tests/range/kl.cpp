#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/observer/divergence.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/observer/quantized_histogram.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace bitgauge {
namespace {

parameters fit(const std::vector<float>& x, const integer_grid& grid, const std::vector<float>& w = {},
               int bins = 0) {
  return kl_range{bins}.fit({x, w, 0}, detail::any_grid_of<integer_grid>(grid), scale_codec());
}

parameters min_max(const std::vector<float>& x, const integer_grid& grid) {
  return detail::parameters_for(detail::extent_of(x), detail::any_grid_of<integer_grid>(grid), scale_codec());
}

/// The squared error of nearest codes, by the definition.
double error_of(const std::vector<float>& x, const integer_grid& grid, parameters p) {
  double sum = 0;
  for (const float v : x) {
    const double scale = p.scale;
    const double code =
        scale > 0 ? std::nearbyint(static_cast<double>(v) / scale) + p.zero_point : p.zero_point;
    const double kept = std::clamp<double>(code, grid.lowest, grid.highest);
    sum += std::pow(
        static_cast<double>(v) - static_cast<double>(p.scale * static_cast<float>(kept - p.zero_point)), 2);
  }
  return sum;
}

using random_bits = std::mt19937;
using source = std::function<float(random_bits&)>;

float normal(random_bits& random) {
  return std::normal_distribution<float>()(random);
}
float exponential(random_bits& random) {
  return std::exponential_distribution<float>()(random);
}
float sign(random_bits& random) {
  return random() % 2 == 0 ? 1.0f : -1.0f;
}

struct distribution {
  const char* name;
  source draw;
};

const std::vector<distribution>& distributions() {
  static const std::vector<distribution> all{
      {"Gaussian", normal},
      {"Laplace", [](random_bits& r) { return sign(r) * exponential(r); }},
      {"Student-t, 3", [](random_bits& r) { return std::student_t_distribution<float>(3)(r); }},
      {"Student-t, 5", [](random_bits& r) { return std::student_t_distribution<float>(5)(r); }},
      {"bimodal", [](random_bits& r) { return 2.3f * sign(r) + 0.6f * normal(r); }},
      {"narrow bimodal", [](random_bits& r) { return sign(r) * (1 + 0.01f * normal(r)); }},
      {"N(5, .5)", [](random_bits& r) { return 5 + 0.5f * normal(r); }},
      {"N(-5, .5)", [](random_bits& r) { return -5 + 0.5f * normal(r); }},
      {"10 to 15", [](random_bits& r) { return std::uniform_real_distribution<float>(10, 15)(r); }},
      {"half Gaussian", [](random_bits& r) { return std::fabs(normal(r)); }},
      {"behind a ReLU", [](random_bits& r) { return std::max(0.0f, normal(r)); }},
      {"behind a ReLU6", [](random_bits& r) { return std::clamp(3 * normal(r), 0.0f, 6.0f); }},
      {"uniform", [](random_bits& r) { return std::uniform_real_distribution<float>(-1, 1)(r); }},
      {"lattice", [](random_bits& r) { return static_cast<float>(r() % 255) - 127; }},
      {"constant", [](random_bits&) { return 3.7f; }},
      {"constant and zero", [](random_bits& r) { return r() % 2 == 0 ? 0 : -3.7f; }},
      {"within 1e-6", [](random_bits& r) { return 5 + 5e-6f * normal(r); }},
      {"within .01", [](random_bits& r) { return -5 + 0.01f * normal(r); }},
      {"ReLU, outliers of 100",
       [](random_bits& r) { return std::max(0.0f, normal(r)) * (r() % 10000 == 0 ? 100.0f : 1.0f); }},
  };
  return all;
}

std::vector<float> sample(const distribution& from, std::size_t count, unsigned seed) {
  random_bits random(seed);
  std::vector<float> x(count);
  for (float& v : x) v = from.draw(random);
  return x;
}

histogram_observer observed(const std::vector<float>& x) {
  histogram_observer seen;
  seen.observe(Eigen::Map<const Eigen::VectorXf>(x.data(), std::ssize(x)));
  return seen;
}

/// Calls check(x, grid, name) for every distribution, some sizes and bit widths, and both kinds of grid.
template <class Check>
void for_all(std::initializer_list<std::size_t> counts, std::initializer_list<int> widths, unsigned seeds,
             const Check& check) {
  for (const distribution& from : distributions())
    for (const std::size_t count : counts)
      for (unsigned seed = 0; seed < seeds; ++seed) {
        const std::vector<float> x = sample(from, count, seed + 1000 * static_cast<unsigned>(count));
        for (const int bits : widths)
          for (const integer_grid& grid : {make_symmetric(bits), make_affine(bits)})
            check(x, grid,
                  std::string(from.name) + ", " + std::to_string(count) + " values, " + std::to_string(bits) +
                      (grid.has_zero_point ? " bits affine" : " bits symmetric"));
      }
}

// The bounds against min-max, direct and through an observer. Catches windows that drop the bulk or
// hold few occupied bins: the range before this test had 135 times min-max's error for the bimodal data at 4
// bits and 17000 times for N(5, .5) at 8.
void expect_bounds(const std::vector<float>& x, const integer_grid& grid, const std::string& name) {
  const double most = (grid.width == 8   ? 3
                       : grid.width <= 4 ? 1.05
                                         : 2) *
                      error_of(x, grid, min_max(x, grid));
  EXPECT_LE(error_of(x, grid, fit(x, grid)), most) << name;
  EXPECT_LE(error_of(x, grid, observed(x).finish(grid, kl_range{}).front()), most) << name << ", observed";
}
TEST(kl_range, is_never_much_worse_than_min_max) {
  for_all({1, 2, 3, 7, 20, 32}, {4, 8}, 4, expect_bounds);
  for_all({20, 300, 3000}, {2, 3, 4, 5, 6, 7, 8}, 1, expect_bounds);
}
TEST(kl_range, is_never_much_worse_than_min_max_on_large_tensors) {
  for_all({65536}, {4, 8}, 1, expect_bounds);
}

// Catches ranges that leave zero out, a negative or vanishing scale, and a zero point outside of the codes.
TEST(kl_range, holds_zero) {
  for_all({1, 20, 300}, {2, 4, 8}, 1,
          [](const std::vector<float>& x, const integer_grid& grid, const std::string& name) {
            for (const parameters p : {fit(x, grid), observed(x).finish(grid, kl_range{}).front()}) {
              EXPECT_TRUE(p.scale > 0 || error_of(x, grid, p) == 0) << name;
              EXPECT_LE(grid.lowest, p.zero_point) << name;
              EXPECT_LE(p.zero_point, grid.highest) << name;
            }
          });
}

// x -> 2^k x gives 2^k times the scale. Catches thresholds with a unit of their own.
TEST(kl_range, follows_powers_of_two) {
  for_all({20, 2000}, {4, 8}, 1, [](const auto& x, const integer_grid& grid, const std::string& name) {
    std::vector<float> scaled = x;
    for (float& v : scaled) v = std::ldexp(v, -40);
    const auto expect_scaled = [&](parameters before, parameters after) {
      EXPECT_EQ(after, (parameters{std::ldexp(before.scale, -40), before.zero_point})) << name;
    };
    expect_scaled(fit(x, grid), fit(scaled, grid));
    expect_scaled(observed(x).finish(grid, kl_range{}).front(),
                  observed(scaled).finish(grid, kl_range{}).front());
  });
}

// x -> -x gives the same scale and the mirrored zero point. Catches bins that are closed on one side only,
// and zeros that count to one of the sides. Affine codes have no mirror image where the range is [-t, t]:
// their zero point is 8 of 0 .. 15 for both.
TEST(kl_range, follows_a_change_of_sign) {
  for_all({20, 2000}, {4, 8}, 1, [](const auto& x, const integer_grid& grid, const std::string& name) {
    const interval extent = detail::extent_of(x);
    if (grid.has_zero_point && extent.low < 0 && extent.high > 0) return;
    std::vector<float> mirrored = x;
    for (float& v : mirrored) v = -v;
    const int ends = grid.lowest + grid.highest;
    const auto expect_mirrored = [&](parameters before, parameters after) {
      EXPECT_EQ(after, (parameters{before.scale, ends - before.zero_point})) << name;
    };
    expect_mirrored(fit(x, grid), fit(mirrored, grid));
    expect_mirrored(observed(x).finish(grid, kl_range{}).front(),
                    observed(mirrored).finish(grid, kl_range{}).front());
  });
}

// Catches a range that depends on how a stream was cut.
TEST(kl_range, merged_observers_are_one_stream) {
  for (const distribution& from : distributions()) {
    const std::vector<float> x = sample(from, 6000, 5);
    histogram_observer merged = observed({x.begin() + 4000, x.end()});
    merged.merge(observed({x.begin(), x.begin() + 4000}));
    EXPECT_EQ(merged.finish(affine<8>{}, kl_range{}), observed(x).finish(affine<8>{}, kl_range{}))
        << from.name;
  }
}

// D(P || Q) by hand. Counts 4 2 6 2 1 of N = 15 in B = 5 bins of width 1 from 1 up. Codes of the centres 1.5
// 2.5 .. 5.5 by a scale of 1.49 in 3 bits: 1 2 2 3 and, clipped, 3. With the limit 5, C_1 = 4 on one bin, C_2
// = 8 on two, C_3 = 3 on one, and the last bin has what is smoothed alone.
TEST(kl_range, divergence_by_hand) {
  const histogram h{1, 1, {4, 2, 6, 2, 1}, 1, 6};
  detail::quantized_histogram quantized(h);
  quantized.quantize(detail::any_grid_of<integer_grid>(make_symmetric(3)), {1.49f, 0});
  const double p[] = {4 / 15.0, 2 / 15.0, 6 / 15.0, 2 / 15.0, 1 / 15.0};
  const double shares[] = {4 / 15.0, 4 / 15.0, 4 / 15.0, 3 / 15.0, 0}, e = 0x1p-10;
  double expected = 0;
  for (int i = 0; i < 5; ++i) expected += p[i] * std::log(p[i] / ((1 - e) * shares[i] + e / 5));
  EXPECT_NEAR(quantized.divergence(5), expected, 1e-14);
  EXPECT_EQ(quantized.divergence(3), detail::no_divergence) << "more than a half is left out";
}

// Catches a bin at zero that weighs: the zeros behind a ReLU would ask for as small a step as there is.
TEST(kl_range, zeros_do_not_count) {
  std::vector<float> x = sample(distributions()[9], 20000, 4);
  const parameters before = fit(x, make_affine(4));
  x.resize(60000, 0.0f);
  EXPECT_NEAR(fit(x, make_affine(4)).scale / before.scale, 1, 0.02);
}

// Catches tails that cost nothing (the threshold would shrink to the smallest window) and a search that never
// clips (it would stay at the largest value, 3 outliers among 60000).
TEST(kl_range, clips_outliers_but_not_the_bulk) {
  std::vector<float> x = sample(distributions()[1], 60000, 1);
  for (const float outlier : {40.0f, -41.0f, 39.0f}) x.push_back(outlier);
  for (const int bits : {4, 6, 8}) {
    const integer_grid grid = make_symmetric(bits);
    for (const parameters p : {fit(x, grid), observed(x).finish(grid, kl_range{}).front()}) {
      const float limit = p.scale * static_cast<float>(grid.highest);
      EXPECT_GT(limit, 3) << bits;
      EXPECT_LT(limit, bits == 8 ? 30 : 15) << bits;
    }
  }
}

// Migacz's merging, which the compatible modes use. Counts 4 0 2 2 with two bins a code: Q spreads 4 over the
// first bin alone (the second is empty) and 4 evenly over the last two, so nothing is lost; with one value
// clipped into the last bin P is 4 0 2 3 of 9 and Q 4 0 2 2 of 8.
TEST(divergence, by_hand) {
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

// Catches an affine range that reaches beyond the data on the empty side.
TEST(kl_range, affine_stays_within_the_extent) {
  std::vector<float> x = sample(distributions()[1], 20000, 2);
  for (float& v : x) v = std::fabs(v);
  const parameters p = fit(x, make_affine(8));
  EXPECT_EQ(p.zero_point, 0);
  EXPECT_LT(p.scale * 255, 14);
}

// Catches weights that are ignored: values of no weight do not count.
TEST(kl_range, weights_count) {
  std::vector<float> x = sample(distributions()[1], 20000, 3), w(20000, 1);
  const integer_grid grid = make_symmetric(8);
  for (std::size_t i = 0; i < x.size(); ++i) w[i] = std::fabs(x[i]) < 2 ? 1 : 0;
  EXPECT_LT(fit(x, grid, w).scale, 0.5f * fit(x, grid).scale);
}

// Catches a histogram that starts elsewhere: data in 10 .. 15 had the range [0, 5] from bins over their own
// extent.
TEST(kl_range, histograms_away_from_zero) {
  histogram h{10, 5 / 1000.0, std::vector<double>(1000, 20), 10, 15};
  const detail::any_grid_of<integer_grid> grid(make_affine(8));
  EXPECT_GT(kl_range{}.fit(h, grid, scale_codec()).scale * 255, 14.5f);
}

TEST(kl_range, small_and_empty_groups) {
  const integer_grid grid = make_symmetric(4);
  EXPECT_EQ(fit({0, 0, 0}, grid).scale, 0);
  EXPECT_EQ(fit({}, grid).scale, 0);
  EXPECT_EQ(fit({1, -2, 3}, grid), min_max({1, -2, 3}, grid));
  EXPECT_FLOAT_EQ(fit({1, -2, 3}, make_symmetric(1)).scale, 2);
  for (const float extreme : {1e-45f, 1e-38f, 3.4e38f})
    EXPECT_EQ(fit({extreme, -extreme, extreme / 2}, grid), min_max({extreme, -extreme, extreme / 2}, grid));
}

}  // namespace
}  // namespace bitgauge
