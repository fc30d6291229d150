#include <bitgauge/rounding/search/nearest_plane_decoder.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "support/group_case.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace {

using namespace bitgauge::detail;
using bitgauge::affine_map;

std::vector<affine_map> candidates(int count, bool even) {
  std::vector<affine_map> maps;
  for (int k = 0; k < count; ++k)
    maps.push_back({0.2f + 0.02f * static_cast<float>(k), even ? static_cast<float>(2 + k % 4) : 0.0f,
                    k % 3 == 0 ? 0.25f : 0.0f});
  return maps;
}

/// Babai's nearest plane as it is defined: column by column, the nearest of all levels.
std::vector<int> nearest_plane(const test::group_case& c,
                               const std::vector<bitgauge::feedback_target::level>& all,
                               const affine_map& map) {
  std::vector<int> chosen;
  std::vector<double> difference;
  const Eigen::MatrixXd& r = c.system.upper;
  for (Eigen::Index i = 0; i < c.system.width(); ++i) {
    double value = static_cast<double>(c.values[static_cast<std::size_t>(i)]);
    for (Eigen::Index j = 0; j < i; ++j) value += difference[static_cast<std::size_t>(j)] * r(j, i) / r(i, i);
    int best = 0;
    const auto real = [&](int k) {
      return static_cast<double>(map.real(all[static_cast<std::size_t>(k)].value));
    };
    for (int k = 1; k < static_cast<int>(all.size()); ++k)
      if (std::fabs(real(k) - value) < std::fabs(real(best) - value)) best = k;
    chosen.push_back(best);
    difference.push_back(static_cast<double>(c.values[static_cast<std::size_t>(i)]) - real(best));
  }
  return chosen;
}

// Catches lanes that are mixed up, columns beyond a multiple of eight, a zero point or minimum left out, and
// a cost that is not that of the choices: one vector of lanes and four, even levels and others.
TEST(nearest_plane_decoder, is_the_nearest_plane_in_every_lane) {
  for (const bool even : {true, false}) {
    const auto all = test::levels(8, even);
    const level_lanes lanes(all);
    ASSERT_EQ(lanes.even(), even);
    nearest_plane_decoder decoder(lanes);
    for (const int count : {1, 7, 21, 32}) {
      const test::group_case c(37, static_cast<unsigned>(count));
      const std::vector<affine_map> maps = candidates(count, even);
      decoder.decode(c.system.factors, c.values.data(), maps);
      for (int k = 0; k < count; ++k) {
        const affine_map& map = maps[static_cast<std::size_t>(k)];
        const std::vector<int> expected = nearest_plane(c, all, map);
        for (Eigen::Index i = 0; i < 37; ++i)
          ASSERT_EQ(decoder.choice(k, i), expected[static_cast<std::size_t>(i)])
              << "lane " << k << " of " << count;
        const double cost =
            c.cost([&](Eigen::Index i) { return map.real(lanes.value(decoder.choice(k, i))); });
        EXPECT_NEAR(decoder.cost(k), cost, 1e-5 * cost);
      }
    }
  }
}

// Catches a wrong derivative of the cost: at another scale with the same choices the cost must be what the
// parabola says.
TEST(nearest_plane_decoder, knows_the_cost_at_every_scale) {
  for (const bool even : {true, false}) {
    const auto all = test::levels(16, even);
    const level_lanes lanes(all);
    nearest_plane_decoder decoder(lanes);
    const test::group_case c(21, 3);
    const std::vector<affine_map> maps = candidates(4, even);
    const auto choice = [](bitgauge::index_t lane, bitgauge::index_t i) {
      return static_cast<std::uint8_t>((3 * i + lane) % 16);
    };
    const auto fits = decoder.fit_scales(c.system.factors, c.values.data(), maps, choice);
    for (bitgauge::index_t k = 0; k < 4; ++k) {
      const scale_fit& fit = fits[static_cast<std::size_t>(k)];
      for (const double by : {0.0, 0.125, -0.0625}) {
        affine_map map = maps[static_cast<std::size_t>(k)];
        map.scale += static_cast<float>(by);
        const double cost = c.cost([&](Eigen::Index i) { return map.real(lanes.value(choice(k, i))); });
        EXPECT_NEAR(fit.cost - by * (2 * fit.slope - by * fit.curvature), cost, 1e-5 * cost);
      }
    }
  }
}

// Catches sums that depend on the width of registers: every instruction set must find the same bits.
TEST(nearest_plane_decoder, does_not_depend_on_the_instruction_set) {
  const auto all = test::levels(4, true);
  const level_lanes lanes(all);
  const test::group_case c(100, 4);
  const std::vector<affine_map> maps = candidates(30, true);
  nearest_plane_decoder widest(lanes);
  widest.decode(c.system.factors, c.values.data(), maps);
  for (const auto set : bitgauge::simd::available()) {
    const bitgauge::simd::scoped_instruction_set chosen(set);
    nearest_plane_decoder decoder(lanes);
    decoder.decode(c.system.factors, c.values.data(), maps);
    for (bitgauge::index_t k = 0; k < 30; ++k) EXPECT_EQ(decoder.cost(k), widest.cost(k));
  }
}

}  // namespace
