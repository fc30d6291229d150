#include <bitgauge/rounding/search/k_best_decoder.hpp>
#include <bitgauge/rounding/search/nearest_plane_decoder.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "support/group_case.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace {

using namespace bitgauge::detail;
using bitgauge::affine_map;

constexpr affine_map map{0.7f, 1.0f, 0.0f};

// Catches beginnings that are dropped too early, sorted wrongly or taken on with another's values: of 4^5
// choices for five columns the cheapest must nearly always be found, and its cost must be its own.
TEST(k_best_decoder, nearly_always_finds_the_optimum) {
  const auto all = test::levels(4, true);
  const level_lanes lanes(all);
  k_best_decoder paths(lanes);
  int found = 0;
  constexpr int trials = 200;
  for (unsigned trial = 0; trial < trials; ++trial) {
    const test::group_case c(5, trial);
    const auto cost_of = [&](const std::uint8_t* choice) {
      return c.cost([&](Eigen::Index i) { return map.real(lanes.value(choice[i])); });
    };
    double least = 1e300;
    for (int code = 0; code < 1024; ++code) {
      std::array<std::uint8_t, 5> choice;
      for (std::size_t i = 0; i < 5; ++i) choice[i] = static_cast<std::uint8_t>(code >> (2 * i) & 3);
      least = std::min(least, cost_of(choice.data()));
    }
    std::array<std::uint8_t, 5> choice;
    const double cost = paths.decode(c.system.factors, c.values.data(), map, choice.data());
    EXPECT_NEAR(cost, cost_of(choice.data()), 1e-5 * cost);
    found += cost <= least * (1 + 1e-5);
  }
  EXPECT_GE(found, trials * 95 / 100);
}

// Catches tails beyond a multiple of eight, levels that are not even, and a search that loses to the nearest
// plane, whose path is among those it starts with; and registers of another width.
TEST(k_best_decoder, beats_the_nearest_plane) {
  for (const bool even : {true, false}) {
    const auto all = test::levels(4, even);
    const level_lanes lanes(all);
    nearest_plane_decoder decoder(lanes);
    double gained = 0, plain = 0;
    for (unsigned trial = 0; trial < 20; ++trial) {
      const test::group_case c(43, trial);
      decoder.decode(c.system.factors, c.values.data(), {&map, 1});
      std::vector<std::uint8_t> choice(43);
      const double cost = k_best_decoder(lanes).decode(c.system.factors, c.values.data(), map, choice.data());
      const double own =
          c.cost([&](Eigen::Index i) { return map.real(lanes.value(choice[static_cast<std::size_t>(i)])); });
      EXPECT_NEAR(cost, own, 1e-5 * own);
      gained += cost;
      plain += decoder.cost(0);
      for (const auto set : bitgauge::simd::available()) {
        const bitgauge::simd::scoped_instruction_set chosen(set);
        std::vector<std::uint8_t> again(43);
        EXPECT_EQ(k_best_decoder(lanes).decode(c.system.factors, c.values.data(), map, again.data()), cost);
        EXPECT_EQ(again, choice);
      }
    }
    EXPECT_LT(gained, 0.97 * plain);
  }
}

}  // namespace
