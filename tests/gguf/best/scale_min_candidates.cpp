#include <bitgauge/gguf/best/scale_min_candidates.hpp>
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

constexpr int most = 3, most_code = 15;
constexpr std::size_t count = 16;
constexpr float super_scale = 0.0625f, super_minimum = 0.125f;  // products with codes are exact

using elements = std::array<float, count>;

elements on_grid(int scale, int minimum) {
  elements x;
  for (std::size_t j = 0; j < count; ++j) {
    x[j] = super_scale * static_cast<float>(scale) * static_cast<float>(j % 4) -
           super_minimum * static_cast<float>(minimum);
  }
  return x;
}

double error_of(const elements& x, const elements& weight, int scale, int minimum) {
  return test::affine_error(x, weight, double{super_scale} * scale, -double{super_minimum} * minimum, most);
}

/// The best of the pairs listed for `within`.
scale_min_candidate best_of(const grid_range& within, const elements& x, const elements& weight,
                            float of_minimum = super_minimum) {
  scale_min_candidate out;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    scale_min_candidates<most, most_code, width()> pairs;
    pairs.list(within, super_scale, of_minimum);
    out = pairs.template best<static_cast<int>(count)>(x.data(), weight.data(), super_scale, of_minimum);
  });
  return out;
}

/// Steps of the scale, and of the minimum, by which a pair lies beyond the range; 0 within.
double steps_beyond(const grid_range& within, int scale, int minimum) {
  const double bottom = -double{super_minimum} * minimum, top = bottom + double{super_scale} * scale * most;
  const auto& [bottom_least, bottom_most, top_least, top_most] = within.ends;
  const double by_bottom = std::max({0.0, bottom_least - bottom, bottom - bottom_most}) / super_minimum;
  const double by_top =
      std::max({0.0, top_least - top, top - top_most}) / (super_minimum + double{super_scale} * most);
  const double by_scale = std::max(0.0, double{super_scale} * scale - within.most_scale) / super_scale;
  return std::max({by_bottom, by_top, by_scale});
}

constexpr std::array<grid_range, 4> ranges{{{{-1.1f, -0.3f, 0.4f, 1.7f}, 0.8f, 1.0f},
                                            {{-0.65f, -0.35f, 0.8f, 1.1f}, 0.6f, 1.0f},
                                            {{-1.9f, -0.1f, 0.1f, 2.0f}, 0.4f, 1.0f},
                                            {{-0.3f, 0.05f, 1.0f, 2.5f}, 0.95f, 1.0f}}};

// Catches a pair that is left out of the list, or one far outside of the range in it: elements that lie on
// the grid of a pair have no error with that pair, and some with every other that can be listed.
TEST(scale_min_candidates, lists_the_pairs_within_the_range) {
  elements weight;
  weight.fill(1.0f);
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    for (const grid_range& within : ranges) {
      int inside = 0, outside = 0;
      for (int scale = 1; scale <= most_code; ++scale) {
        for (int minimum = 0; minimum <= most_code; ++minimum) {
          const scale_min_candidate found = best_of(within, on_grid(scale, minimum), weight);
          const bool is_found = found.scale == scale && found.minimum == minimum && found.error == 0.0f;
          const double beyond = steps_beyond(within, scale, minimum);
          if (beyond == 0.0) {
            EXPECT_TRUE(is_found) << scale << " " << minimum;
            ++inside;
          }
          if (beyond > 3.0) {
            EXPECT_FALSE(is_found) << scale << " " << minimum;
            ++outside;
          }
        }
      }
      EXPECT_GT(inside, 2);
      EXPECT_GT(outside, 20);
    }
  }
}

// Catches another than the least error, an error that is not that of the pair, and a weight left out.
TEST(scale_min_candidates, best_is_the_least_of_all_within) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 50; ++trial) {
    elements x, weight;
    for (float& value : x) value = 0.5f * normal(random);
    for (float& value : weight) value = std::exp(normal(random));
    for (const grid_range& within : ranges) {
      double least = HUGE_VAL;
      for (int scale = 1; scale <= most_code; ++scale) {
        for (int minimum = 0; minimum <= most_code; ++minimum) {
          if (steps_beyond(within, scale, minimum) == 0.0)
            least = std::min(least, error_of(x, weight, scale, minimum));
        }
      }
      const scale_min_candidate found = best_of(within, x, weight);
      const double error = error_of(x, weight, found.scale, found.minimum);
      EXPECT_LE(error, least * 1.0001);
      EXPECT_NEAR(found.error, error, 1e-4 * error);
    }
  }
}

// Catches a list that runs over its end (63 * 64 pairs lie within), and codes beyond the greatest.
TEST(scale_min_candidates, a_list_has_an_end) {
  elements x, weight;
  x.fill(0.0f);
  weight.fill(1.0f);
  const grid_range all{{-100.0f, 100.0f, -100.0f, 100.0f}, 100.0f, 1.0f};
  scale_min_candidate found;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    scale_min_candidates<15, 63, width()> pairs;
    pairs.list(all, super_scale, super_minimum);
    found = pairs.template best<static_cast<int>(count)>(x.data(), weight.data(), super_scale, super_minimum);
  });
  EXPECT_EQ(found.scale, 1);  // the first of many without an error
  EXPECT_EQ(found.minimum, 0);
  EXPECT_EQ(found.error, 0.0f);
}

// Catches a division by a super-minimum of zero: then every minimum is the same, and the scale is still found.
TEST(scale_min_candidates, without_depth) {
  elements weight;
  weight.fill(1.0f);
  const grid_range within{{-0.1f, 0.1f, 1.0f, 2.0f}, 1.0f, 1.0f};
  const scale_min_candidate found = best_of(within, on_grid(7, 0), weight, 0.0f);
  EXPECT_EQ(found.scale, 7);
  EXPECT_EQ(found.minimum, 0);
  EXPECT_EQ(found.error, 0.0f);
}

}  // namespace
