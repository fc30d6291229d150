#include <bitgauge/range/mse.hpp>
#include <bitgauge/scale/storage.hpp>

#include "support/scale_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace bitgauge {
namespace {

double density(double x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
}
double distribution(double x) {
  return std::erfc(-x / std::numbers::sqrt2) / 2;
}

/// E[(X - level)^2; a < X < b] for X standard normal, from the moments of the truncated normal distribution:
/// the integrals of x^2 and x over (a, b) are P + a f(a) - b f(b) and f(a) - f(b).
double cell_error(double level, double a, double b) {
  const auto weighted = [](double x) { return std::isinf(x) ? 0 : x * density(x); };
  const double probability = distribution(b) - distribution(a);
  const double first = density(a) - density(b), second = probability + weighted(a) - weighted(b);
  return second - 2 * level * first + level * level * probability;
}

/// Mean squared error of the levels low * step ... high * step on N(0, 1).
double normal_error(double step, int low, int high) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double sum = 0;
  for (int k = low; k <= high; ++k)
    sum += cell_error(k * step, k == low ? -infinity : (k - 0.5) * step,
                      k == high ? infinity : (k + 0.5) * step);
  return sum;
}

struct optimum {
  double step, error;
};

/// Golden section: the error has one minimum in the step.
optimum normal_optimum(int low, int high) {
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double from = 0.5 / high, to = 6.0 / high;
  while (to - from > 1e-10) {
    const double a = to - ratio * (to - from), b = from + ratio * (to - from);
    (normal_error(a, low, high) < normal_error(b, low, high) ? to : from) =
        normal_error(a, low, high) < normal_error(b, low, high) ? b : a;
  }
  return {from, normal_error(from, low, high)};
}

/// 2^20 samples of N(0, 1), one from each of as many strata of equal probability. Plain sampling would leave
/// 3 % of chance in the error at 8 bits, a tenth of which comes from the 85 samples that are clipped.
const test::weighted_group& normal_samples() {
  static const test::weighted_group group = [] {
    constexpr int count = 1 << 20;
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> within(0, 1);
    test::weighted_group g;
    double x = -5;
    for (int i = 0; i < count; ++i) {
      const double probability = std::max((i + within(random)) / count, 1e-9);
      // Newton, from the sample before
      for (int step = 0; step < 50; ++step) {
        const double correction = (distribution(x) - probability) / density(x);
        x -= std::clamp(correction, -0.5, 0.5);
        if (std::fabs(correction) < 1e-9) break;
      }
      g.x.push_back(static_cast<float>(x));
    }
    return g;
  }();
  return group;
}

void expect_optimal(const integer_grid& grid, optimum expected, effort how) {
  const auto& group = normal_samples();
  const float_scale_codec storage(scale_type::f32);
  const parameters p = mse_range{how}.fit({group.x, {}, 0}, detail::any_grid_of<integer_grid>(grid), storage);
  const double error = test::error_of(group, grid, p) / static_cast<double>(group.x.size());
  EXPECT_NEAR(error, expected.error, 0.01 * expected.error) << grid.width << " bits";
  EXPECT_NEAR(p.scale, expected.step, 0.01 * expected.step) << grid.width << " bits";
}

// Catches a search over many values that is stuck, or that loses precision in sums of a million terms.
TEST(normal_optimum, symmetric) {
  for (const int bits : {2, 3, 4, 5, 8}) {
    const integer_grid grid = make_symmetric(bits);
    expect_optimal(grid, normal_optimum(grid.lowest, grid.highest), effort::best);
    expect_optimal(grid, normal_optimum(grid.lowest, grid.highest), effort::normal);
  }
}

TEST(normal_optimum, symmetric_full_range) {
  for (const int bits : {2, 3, 4, 5, 8}) {
    const integer_grid grid = make_symmetric(bits, {.full = true});
    expect_optimal(grid, normal_optimum(grid.lowest, grid.highest), effort::best);
  }
}

// An integer zero point makes an affine grid a window of whole steps around zero; the best of all windows is
// that of the full symmetric grid.
TEST(normal_optimum, affine) {
  for (const int bits : {2, 3, 4, 8}) {
    optimum best{0, 1};
    const int codes = 1 << bits;
    for (int z = codes / 4; z < codes - codes / 4; ++z) {
      const optimum found = normal_optimum(-z, codes - 1 - z);
      if (found.error < best.error) best = found;
    }
    expect_optimal(make_affine(bits), best, effort::normal);
    if (bits <= 4) expect_optimal(make_affine(bits), best, effort::best);
  }
}

// E|X| = sqrt(2 / pi), and the error is 1 - 2 / pi.
TEST(normal_optimum, one_bit) {
  const double magnitude = std::sqrt(2 / std::numbers::pi);
  expect_optimal(make_symmetric(1), {magnitude, 1 - magnitude * magnitude}, effort::best);
}

}  // namespace
}  // namespace bitgauge
