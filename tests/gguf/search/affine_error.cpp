#include <bitgauge/gguf/search/affine_error.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include "gguf/grid_oracle.hpp"
#include "support/each_instruction_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf::best;
using sixteen = std::array<float, 16>;

/// The place of the least of `errors`, a multiple of sixteen of them, and the least.
std::pair<std::size_t, float> least_of(const std::vector<float>& errors) {
  std::pair<std::size_t, float> out;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    running_least<width()> least;
    for (std::size_t k = 0; k < errors.size(); k += 16) least.take(k, lanes::load(&errors[k]));
    const auto found = least.found();
    out = {found.place, found.error};
  });
  return out;
}

// Catches another of equals than the first: in a later group but an earlier lane, and in the same group.
TEST(running_least, the_first_of_equals) {
  test::on_each_instruction_set([] {
    for (std::size_t first = 0; first < 48; ++first) {
      for (std::size_t second = first; second < 48; ++second) {
        std::vector<float> errors(48, 2.0f);
        errors[first] = errors[second] = 1.0f;
        EXPECT_EQ(least_of(errors), std::pair(first, 1.0f)) << second;
      }
    }
  });
}

// Catches a comparison that is lost on the way from sixteen lanes to one.
TEST(running_least, random_errors_of_few_values) {
  std::mt19937 random(1);
  test::on_each_instruction_set([&] {
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<float> errors(16 * (1 + random() % 8));
      for (float& error : errors) error = static_cast<float>(random() % 9);
      const auto least = std::min_element(errors.begin(), errors.end());
      EXPECT_EQ(least_of(errors), std::pair(static_cast<std::size_t>(least - errors.begin()), *least));
    }
  });
}

/// A block and sixteen grids, some of which clip elements at either end.
struct grids {
  static constexpr int most = 15;
  static constexpr std::size_t count = 32;
  std::array<float, count> x, weight;
  sixteen scale, minimum;

  explicit grids(unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float& value : x) value = normal(random);
    for (float& value : weight) value = std::exp(normal(random));
    for (float& value : scale) value = 0.05f + 0.4f * std::abs(normal(random));
    for (float& value : minimum) value = normal(random) - 1.5f;
  }
  double level(std::size_t j, double of_scale, double of_minimum) const {
    return test::nearest_level(x[j], of_scale, of_minimum, most);
  }
  double error(double of_scale, double of_minimum) const {
    return test::affine_error(x, weight, of_scale, of_minimum, most);
  }
};

// Catches a weight or a minimum left out, levels that are not clamped, lanes in another order.
TEST(affine_error, is_that_of_the_nearest_levels) {
  test::on_each_instruction_set([] {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const grids g(seed);
      sixteen error;
      simd::multiversion([&](auto width) __attribute__((always_inline)) {
        using lanes = simd::lanes<width()>;
        gguf::best::affine_error<grids::most, grids::count>(
            g.x.data(), g.weight.data(), lanes::load(g.scale.data()), lanes::load(g.minimum.data()))
            .store(error.data());
      });
      for (std::size_t k = 0; k < 16; ++k) {
        const double truth = g.error(g.scale[k], g.minimum[k]);
        EXPECT_NEAR(error[k], truth, 1e-4 * truth);
      }
    }
  });
}

// Catches a step that is not that of least squares: the solution of the normal equations in double, for the
// levels of the grid before, and its error.
TEST(least_squares_step, goes_to_the_least_squares_of_the_levels) {
  test::on_each_instruction_set([] {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const grids g(seed);
      sixteen scale, minimum, error;
      simd::multiversion([&](auto width) __attribute__((always_inline)) {
        using lanes = simd::lanes<width()>;
        lanes of_scale = lanes::load(g.scale.data()), of_minimum = lanes::load(g.minimum.data());
        gguf::best::least_squares_step<grids::most, grids::count>(g.x.data(), g.weight.data(), of_scale,
                                                                  of_minimum)
            .store(error.data());
        of_scale.store(scale.data());
        of_minimum.store(minimum.data());
      });
      for (std::size_t k = 0; k < 16; ++k) {
        double w = 0, wl = 0, wll = 0, wx = 0, wxl = 0;
        std::array<double, grids::count> level;
        for (std::size_t j = 0; j < grids::count; ++j) {
          const double weight = g.weight[j];
          level[j] = g.level(j, g.scale[k], g.minimum[k]);
          w += weight;
          wl += weight * level[j];
          wll += weight * level[j] * level[j];
          wx += weight * g.x[j];
          wxl += weight * g.x[j] * level[j];
        }
        const double determinant = w * wll - wl * wl;
        if (!(determinant > 1e-3 * w * wll)) continue;  // nearly all on one level
        const double best_scale = (w * wxl - wl * wx) / determinant;
        const double best_minimum = (wx - best_scale * wl) / w;
        double least = 0;
        for (std::size_t j = 0; j < grids::count; ++j) {
          const double rest = g.x[j] - best_scale * level[j] - best_minimum;
          least += g.weight[j] * rest * rest;
        }
        EXPECT_NEAR(scale[k], best_scale, 1e-4 * std::abs(best_scale));
        EXPECT_NEAR(minimum[k], best_minimum, 1e-3);
        EXPECT_NEAR(error[k], least, 1e-3 * least + 1e-5 * g.error(g.scale[k], g.minimum[k]));
      }
    }
  });
}

// Catches a factor that leaves the range of float, an exponent that does not lead back, a weight that is
// lost: greatest magnitudes from the least denormal number to the greatest.
TEST(scaled_elements, the_greatest_lies_between_one_and_two) {
  const std::array<float, 6> sizes{0x1p-149f, 3e-40f, 1e-20f, 1.0f, 7e5f, 3.4e38f};
  for (const float size : sizes) {
    for (const float importance : sizes) {
      const std::array<float, 4> values{0.25f * size, -size, 0.0f, 0.5f * size};
      const std::array<float, 4> weights{importance, 0.5f * importance, 0.0f, 0.25f * importance};
      const scaled_elements<4> block(values.data(), weights.data());
      EXPECT_GE(-block.x[1], 1.0f);
      EXPECT_LT(-block.x[1], 2.0f);
      EXPECT_GE(block.weight[0], 1.0f) << importance;
      EXPECT_LT(block.weight[0], 2.0f) << importance;
      EXPECT_EQ(block.weight[2], 0x1p-60f);
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_EQ(std::scalbn(double{block.x[j]}, block.exponent), double{values[j]}) << size;
        if (weights[j] != 0.0f) {
          EXPECT_EQ(block.weight[j] / block.weight[0], weights[j] / weights[0]);
        }
      }
    }
  }
}

// Catches a null pointer that is read, and a division by the greatest of zeros.
TEST(scaled_elements, no_importance_and_only_zeros) {
  const std::array<float, 4> zeros{};
  scaled_elements<4> block(zeros.data(), nullptr);
  block.turn_signs();
  for (std::size_t j = 0; j < 4; ++j) {
    EXPECT_EQ(block.x[j], 0.0f);
    EXPECT_EQ(block.weight[j], 1.0f);
  }
  const std::array<float, 4> values{1, -2, 3, 0};
  scaled_elements<4> turned(values.data(), zeros.data());
  turned.turn_signs();
  for (std::size_t j = 0; j < 4; ++j) EXPECT_EQ(turned.x[j], -values[j] / 2);
}

}  // namespace
