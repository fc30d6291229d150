#include <bitgauge/range/mse.hpp>
#include <bitgauge/scale/storage.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "support/scale_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace bitgauge {
namespace {

const float_scale_codec f32{scale_type::f32};

parameters fit(const test::weighted_group& group, const integer_grid& grid, effort how,
               const scale_codec& storage = f32) {
  return mse_range{how}.fit({group.x, group.w, 0}, detail::any_grid_of<integer_grid>(grid), storage);
}

/// Groups of many kinds: smooth, with ties (rounded values), heavy-tailed, one-sided, sparse; weights of
/// widely different size, some of them zero.
test::weighted_group random_group(std::mt19937& random, std::size_t most) {
  std::normal_distribution<float> normal;
  test::weighted_group group;
  group.x.resize(1 + random() % most);
  const auto kind = random() % 6;
  for (float& v : group.x) {
    v = normal(random);
    if (kind == 1) v = std::round(3 * v);
    if (kind == 2) v = v * v * v;
    if (kind == 3) v = std::fabs(v) + 1;
    if (kind == 4) v = random() % 8 == 0 ? v : 0;
    if (kind == 5) v = -std::fabs(v) * 1e-20f;
  }
  if (random() % 2 == 0) return group;
  group.w.resize(group.x.size());
  for (float& w : group.w) w = random() % 4 == 0 ? 0 : std::exp(2 * normal(random));
  group.w.front() = 1;  // weights that are all zero mean none: tested on its own
  return group;
}

std::vector<integer_grid> grids_of(int bits) {
  std::vector<integer_grid> grids{make_symmetric(bits), make_affine(bits),
                                  make_affine(bits, {.signed_codes = true})};
  if (bits > 1) grids.push_back(make_symmetric(bits, {.full = true}));
  if (bits > 1) grids.push_back(make_symmetric(bits, {.unsigned_codes = true}));
  return grids;
}

// Catches a pruned scale that could have won, a breakpoint lost or counted twice, a zero point not searched,
// a weight not applied.
TEST(mse_range, best_is_the_true_minimum) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    const int bits = 1 + static_cast<int>(random() % 8);
    const auto grids = grids_of(bits);
    const integer_grid& grid = grids[random() % grids.size()];
    // brute force costs values * codes^2 on an affine grid
    const bool large = round % 30 == 0 && !(grid.has_zero_point && bits > 5);
    const auto group = random_group(random, large ? 512 : 40);
    if (grid.is_sign_only()) continue;
    const double error = test::error_of(group, grid, fit(group, grid, effort::best));
    const double least = test::least_error(group, grid);
    // a scale in binary32 and float arithmetic at ties leave 2^-24 of relative error in a value
    const double rounding = 1e-5 * least + 1e-12 * group.energy();
    EXPECT_LE(error, least + rounding)
        << "round " << round << ", bits " << bits << ", size " << group.x.size();
    EXPECT_GE(error, least - rounding) << "the oracle must not be beaten: it would be wrong";
  }
}

// Catches a search that stops in a local minimum.
TEST(mse_range, best_is_never_worse_than_a_grid_search) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const int bits = 2 + static_cast<int>(random() % 7);
    const integer_grid grid = make_symmetric(bits);
    const auto group = random_group(random, 100);
    const double error = test::error_of(group, grid, fit(group, grid, effort::best));
    float absmax = 0;
    for (const float x : group.x) absmax = std::max(absmax, std::fabs(x));
    for (int i = 1; i <= 400; ++i) {
      const float scale = absmax / static_cast<float>(grid.highest) * static_cast<float>(i) / 200;
      if (scale < 0x1p-126f) continue;
      ASSERT_LE(error, test::error_of(group, grid, {scale, 0}) * (1 + 1e-6) + 1e-12 * group.energy())
          << scale;
    }
  }
}

// Catches a stored scale that is only near the best: each one that the storage holds around the minimum is
// tried.
TEST(mse_range, best_finds_the_best_stored_scale) {
  std::mt19937 random(3);
  for (const scale_type type : {scale_type::f16, scale_type::bf16}) {
    const float_scale_codec storage(type);
    for (int round = 0; round < 200; ++round) {
      auto group = random_group(random, 64);
      if (std::fabs(group.x.front()) < 1e-10f) continue;
      const integer_grid grid = make_symmetric(2 + static_cast<int>(random() % 7));
      const parameters p = fit(group, grid, effort::best, storage);
      ASSERT_EQ(p.scale, storage.nearest(p.scale));
      double least = group.energy();
      float absmax = 0;
      for (const float x : group.x) absmax = std::max(absmax, std::fabs(x));
      float scale = storage.nearest(absmax / 2000);
      while (scale < 2.5f * absmax) {
        least = std::min(least, test::error_of(group, grid, {scale, 0}));
        scale = storage.around(static_cast<double>(scale) * (1 + 1e-7)).above;
      }
      ASSERT_LE(test::error_of(group, grid, p), least * (1 + 1e-6) + 1e-12 * group.energy());
    }
  }
}

// Catches the mean taken without weights, and zeros counted in the mean wrongly: codes of zeros are +1.
TEST(mse_range, one_bit_scale_is_the_weighted_mean_magnitude) {
  const test::weighted_group group{{1, -2, 0, 4}, {1, 2, 1, 0}};
  EXPECT_FLOAT_EQ(fit(group, make_symmetric(1), effort::normal).scale, (1 + 4 + 0) / 4.0f);
}

// Catches efforts out of order or far from the least error (the bounds are those of the documentation with
// room for chance).
TEST(mse_range, efforts_keep_their_promise) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  const integer_grid grid = make_symmetric(4);
  double fast = 0, standard = 0, best = 0;
  for (int round = 0; round < 2000; ++round) {
    test::weighted_group group;
    for (int i = 0; i < 32; ++i) group.x.push_back(normal(random));
    fast += test::error_of(group, grid, fit(group, grid, effort::fast));
    standard += test::error_of(group, grid, fit(group, grid, effort::normal));
    best += test::error_of(group, grid, fit(group, grid, effort::best));
  }
  EXPECT_LE(best, standard);
  EXPECT_LE(standard, 1.003 * best);
  EXPECT_LE(fast, 1.01 * best);
  EXPECT_LE(standard, fast);
}

// Catches a search that runs away or divides by zero.
TEST(mse_range, degenerate_groups) {
  for (const effort how : {effort::fast, effort::normal, effort::best}) {
    for (int bits = 1; bits <= 8; ++bits) {
      for (const integer_grid& grid : grids_of(bits)) {
        EXPECT_EQ(fit({{0, 0, 0}, {}}, grid, how).scale, 0);
        EXPECT_EQ(fit({{}, {}}, grid, how).scale, 0);
        for (const float x : {3.0f, -3.0f, 1e-44f, -3e30f, 1e30f}) {
          if (grid.is_sign_only() || (grid.highest - grid.center == 0 && !grid.has_zero_point)) continue;
          const parameters p = fit({{x}, {}}, grid, how);
          if (std::fabs(x) < 1e-30f) continue;
          EXPECT_LT(test::error_of({{x}, {}}, grid, p),
                    0.26 * static_cast<double>(x) * static_cast<double>(x))
              << "bits " << bits << " x " << x;
        }
      }
    }
  }
  // no weight counts: as if there were none
  const integer_grid grid = make_symmetric(4);
  EXPECT_EQ(fit({{1, 2, 5}, {0, 0, 0}}, grid, effort::best), fit({{1, 2, 5}, {}}, grid, effort::best));
}

TEST(mse_range, wrong_weights_are_named) {
  const auto message = [](const test::weighted_group& group) -> std::string {
    try {
      fit(group, make_symmetric(4), effort::fast);
    } catch (const bitgauge_error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message({{1, 2}, {1}}), "weights of group 0: expected 2, found 1");
  EXPECT_EQ(message({{1, 2}, {1, -1}}),
            "weight in group 0: expected a finite number from 0 up, found -1.000000");
}

/// A codebook with uneven levels and no symmetry, as NF4 is one.
struct uneven_levels {
  int bits() const { return 3; }
  float level(int field) const {
    constexpr float levels[] = {-1, -0.6f, -0.25f, -0.1f, 0, 0.15f, 0.4f, 1};
    return levels[field];
  }
  int nearest(float value) const {
    int best = 0;
    for (int f = 1; f < 8; ++f)
      if (std::fabs(level(f) - value) < std::fabs(level(best) - value)) best = f;
    return best;
  }
  float scale_for(interval range) const { return range.magnitude(); }
};

// Catches breakpoints of a codebook that are missed or passed in the wrong direction: the oracle tries every
// pair of value and midpoint as a scale and takes the best scale for the codes on both sides.
TEST(mse_range, codebook_best_is_the_true_minimum) {
  const uneven_levels grid;
  std::mt19937 random(6);
  for (int round = 0; round < 400; ++round) {
    const auto group = random_group(random, 40);
    double least = group.energy();
    const auto consider = [&](double scale) {
      double linear = 0, square = 0;
      for (std::size_t i = 0; i < group.x.size(); ++i) {
        const double x = group.x[i], level = grid.level(grid.nearest(static_cast<float>(x / scale)));
        linear += group.weight(i) * x * level;
        square += group.weight(i) * level * level;
      }
      if (linear > 0) least = std::min(least, group.energy() - linear * linear / square);
    };
    for (const float x : group.x) {
      for (int f = 0; f < 7; ++f) {
        const double scale =
            2 * static_cast<double>(x) / static_cast<double>(grid.level(f) + grid.level(f + 1));
        if (!(scale > 0)) continue;
        consider(scale * (1 - 1e-6));
        consider(scale * (1 + 1e-6));
      }
    }
    const parameters p = mse_range{effort::best}.fit({group.x, group.w, 0}, detail::any_grid_of(grid), f32);
    double error = 0;
    for (std::size_t i = 0; i < group.x.size(); ++i) {
      const float level = grid.level(grid.nearest(group.x[i] * inverse_scale(p.scale)));
      const double left =
          static_cast<double>(group.x[i]) - static_cast<double>(p.scale) * static_cast<double>(level);
      error += group.weight(i) * left * left;
    }
    ASSERT_NEAR(error, least, 1e-4 * least + 1e-12 * group.energy()) << "round " << round;
    const double quick = mse_range{}.fit({group.x, group.w, 0}, detail::any_grid_of(grid), f32).scale;
    EXPECT_TRUE(quick > 0 || group.energy() == 0);
  }
}

// Catches sums that depend on the instruction set: the search would then choose differently.
TEST(mse_range, same_parameters_with_every_instruction_set) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const auto group = random_group(random, 100);
    const auto grids = grids_of(1 + static_cast<int>(random() % 8));
    const integer_grid& grid = grids[random() % grids.size()];
    for (const effort how : {effort::normal, effort::best}) {
      const parameters expected = fit(group, grid, how);
      for (const simd::instruction_set set : simd::available()) {
        const simd::scoped_instruction_set use(set);
        ASSERT_EQ(fit(group, grid, how), expected) << simd::name_of(set);
      }
    }
  }
}

}  // namespace
}  // namespace bitgauge
