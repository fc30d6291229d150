#include <bitgauge/gguf/search/affine_fit.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include "gguf/grid_oracle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <random>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf::best;

constexpr int most = 15;
constexpr std::size_t count = 32;

struct block {
  std::array<float, count> x, weight;

  explicit block(unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float& value : x) value = normal(random);
    for (float& value : weight) value = std::exp(normal(random));
  }
  float low() const { return *std::min_element(x.begin(), x.end()); }
  float high() const { return *std::max_element(x.begin(), x.end()); }
  double level(std::size_t j, double scale, double minimum) const {
    return test::nearest_level(x[j], scale, minimum, most);
  }
  double error(double scale, double minimum) const {
    return test::affine_error(x, weight, scale, minimum, most);
  }
};

/// The least error, for the levels of the last step, after `passes` alternations in double from bottoms x
/// tops grids spread over `ends`.
double alternated(const block& b, const grid_ends& ends, int bottoms, int tops, int passes) {
  double best = HUGE_VAL;
  for (int i = 0; i < bottoms * tops; ++i) {
    const double bottom =
        ends.bottom_least + (double{ends.bottom_most} - ends.bottom_least) * (i / tops) / (bottoms - 1);
    const double top = ends.top_most - (double{ends.top_most} - ends.top_least) * (i % tops) / (tops - 1);
    double minimum = bottom;
    double scale = std::max(top - bottom, 0.1 * (double{ends.top_most} - ends.bottom_least)) / most;
    double error = HUGE_VAL;
    for (int pass = 0; pass < passes && scale > 0; ++pass) {
      std::array<double, count> levels;
      double w = 0, wl = 0, wll = 0, wx = 0, wxl = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const double weight = b.weight[j], level = levels[j] = b.level(j, scale, minimum);
        w += weight;
        wl += weight * level;
        wll += weight * level * level;
        wx += weight * b.x[j];
        wxl += weight * b.x[j] * level;
      }
      const double determinant = w * wll - wl * wl;
      if (determinant > 1e-6 * w * wll) scale = (w * wxl - wl * wx) / determinant;
      minimum = (wx - scale * wl) / w;
      error = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const double rest = b.x[j] - scale * levels[j] - minimum;
        error += b.weight[j] * rest * rest;
      }
    }
    if (scale > 0) best = std::min(best, error);
  }
  return best;
}

template <int Bottoms, int Tops>
affine_fit fitted(const block& b, const grid_ends& ends, int passes, int more = 0) {
  affine_fit out;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    out = fit_affine<most, count, width(), Bottoms, Tops>(b.x.data(), b.weight.data(), ends, passes, more);
  });
  return out;
}

// Catches starts that are left out or elsewhere, a pass too few, the wrong one of the results: an alternation
// in double from the same starts; and an error that is not that of the grid.
TEST(affine_fit, is_as_good_as_alternation_in_double) {
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    for (unsigned seed = 0; seed < 30; ++seed) {
      const block b(seed);
      // the good starts come first, or last
      const float range = b.high() - b.low();
      const float beyond = seed % 2 == 0 ? 0.1f : range, cut = seed % 2 == 0 ? 0.3f * range : 0.1f;
      const grid_ends ends = grid_ends::near(b.low(), b.high(), beyond, cut);
      for (const int passes : {1, 3}) {
        const affine_fit fit = fitted<8, 4>(b, ends, passes);
        const double error = b.error(fit.scale, fit.minimum);
        // rounding may lead another way where two levels are all but equally near
        EXPECT_LE(fit.error, alternated(b, ends, 8, 4, passes) * 1.001) << seed;
        // nearest levels are at least as good as those of the last step
        EXPECT_LE(error, fit.error * 1.0001) << seed;
      }
    }
  }
}

// Catches passes that go on from elsewhere or nowhere: the best of sixteen ends no worse than the best of all
// did before, and on the whole better.
TEST(affine_fit, the_best_go_on) {
  double before = 0, after = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    const block b(seed);
    const grid_ends ends = grid_ends::near(b.low(), b.high(), 0.1f, 0.3f * (b.high() - b.low()));
    const affine_fit first = fitted<8, 4>(b, ends, 1), last = fitted<8, 4>(b, ends, 1, 6);
    EXPECT_LE(last.error, first.error * 1.0001f) << seed;
    EXPECT_LE(b.error(last.scale, last.minimum), last.error * 1.0001) << seed;
    before += double{first.error};
    after += double{last.error};
  }
  EXPECT_LT(after, 0.97 * before);
}

// Catches a solution that loses digits, and levels that are off by one.
TEST(affine_fit, an_exact_grid_is_found) {
  block b(1);
  const float scale = 0.37f, minimum = -2.9f;
  for (std::size_t j = 0; j < count; ++j) b.x[j] = minimum + scale * static_cast<float>((7 * j) % 16);
  const grid_ends ends = grid_ends::near(b.low(), b.high(), scale, scale);
  const affine_fit fit = fitted<4, 4>(b, ends, 3);
  EXPECT_NEAR(fit.scale, scale, 1e-6);
  EXPECT_NEAR(fit.minimum, minimum, 1e-5);
  EXPECT_NEAR(fit.error, 0.0, 1e-10);
}

// Catches ends that are swapped or on the wrong side.
TEST(grid_ends, near_spreads_both_ways) {
  const grid_ends ends = grid_ends::near(-1.0f, 2.0f, 0.25f, 0.5f);
  EXPECT_EQ(ends.bottom_least, -1.25f);
  EXPECT_EQ(ends.bottom_most, -0.5f);
  EXPECT_EQ(ends.top_least, 1.5f);
  EXPECT_EQ(ends.top_most, 2.25f);
}

// Catches a limit that cuts off a better grid (the error of every grid that ends beyond it is brute force),
// one that ignores weights, and one that is not reached.
TEST(grid_ends, limit_cut_leaves_every_better_grid) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    const block b(seed);
    const float low = b.low(), high = b.high();
    const auto known = static_cast<float>(b.error((high - low) / most, low));
    grid_ends ends = grid_ends::near(low, high, 1.0f, 100.0f);
    ends.limit_cut<count>(b.x.data(), b.weight.data(), known);
    EXPECT_LT(ends.bottom_most, low + 99.0f);
    EXPECT_GT(ends.top_least, high - 99.0f);
    double nearest_bottom = HUGE_VAL, nearest_top = -HUGE_VAL;
    for (std::size_t j = 0; j < count; ++j) {
      const double cut = std::sqrt(double{known} / b.weight[j]);
      nearest_bottom = std::min(nearest_bottom, b.x[j] + cut);
      nearest_top = std::max(nearest_top, b.x[j] - cut);
    }
    EXPECT_NEAR(ends.bottom_most, nearest_bottom, 1e-5);
    EXPECT_NEAR(ends.top_least, nearest_top, 1e-5);
    for (int i = 0; i <= 60; ++i) {
      for (int k = 1; k <= 60; ++k) {
        const double bottom = low - 1 + 0.1 * i, top = bottom + 0.1 * k;
        if (bottom > ends.bottom_most || top < ends.top_least) {
          EXPECT_GE(b.error((top - bottom) / most, bottom), known * 0.9999);
        }
      }
    }
  }
}

}  // namespace
