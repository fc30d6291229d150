#include <bitgauge/model/budget/budget.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

namespace {

using bitgauge::allocate;
using bitgauge::allocate_by_multiplier;
using bitgauge::budget_allocation;
using bitgauge::budget_option;
using bitgauge::data_error;

using instance = std::vector<std::vector<budget_option>>;

/// Whole numbers, whose sums are exact: few of them, so that many are equal.
instance random_instance(std::mt19937& random, std::size_t tensors, std::size_t formats, int values) {
  std::uniform_int_distribution<int> value(0, values);
  instance all(tensors, std::vector<budget_option>(formats));
  for (auto& tensor : all)
    for (budget_option& each : tensor)
      each = {static_cast<std::uint64_t>(value(random)), static_cast<double>(value(random))};
  return all;
}

/// All choices, the first tensor's options outermost: the least cost, then bytes, then the first.
std::tuple<double, std::uint64_t, std::vector<std::size_t>> least_of_all(const instance& all,
                                                                         std::uint64_t limit) {
  std::tuple<double, std::uint64_t, std::vector<std::size_t>> least{1e300, 0, {}};
  std::vector<std::size_t> chosen(all.size());
  const auto visit = [&](const auto& self, std::size_t t, std::uint64_t bytes, double cost) -> void {
    if (bytes > limit) return;
    if (t == all.size()) return least = std::min(least, std::tuple(cost, bytes, chosen)), void();
    for (std::size_t i = 0; i < all[t].size(); ++i) {
      chosen[t] = i;
      self(self, t + 1, bytes + all[t][i].bytes, cost + all[t][i].cost);
    }
  };
  visit(visit, 0, 0, 0);
  return least;
}

void expect_least(const instance& all, std::uint64_t limit) {
  const auto [cost, bytes, chosen] = least_of_all(all, limit);
  if (chosen.empty()) {
    EXPECT_NE(test::message_of<data_error>([&] { allocate(all, limit); }), "no error");
    return;
  }
  const budget_allocation found = allocate(all, limit);
  EXPECT_EQ(found.cost, cost);
  EXPECT_EQ(found.bytes, bytes);
  EXPECT_EQ(found.chosen, chosen);
  EXPECT_LE(found.bound, cost + 1e-9 * (1 + cost));
  const budget_allocation hull = allocate_by_multiplier(all, limit);
  EXPECT_LE(hull.bytes, limit);
  EXPECT_GE(hull.cost, cost);
}

// Catches an optimum that is missed, for instance inside of the convex hull, partial choices that are left out too
// early, a bound above the optimum, and ties that depend on the order of the work.
TEST(budget, finds_what_brute_force_finds) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    const instance all = random_instance(random, 1 + random() % 4, 1 + random() % 5, i % 2 == 0 ? 6 : 40);
    expect_least(all, random() % (i % 2 == 0 ? 16 : 100));
    if (HasFailure()) return;
  }
}
// The same of 8 tensors x 5 formats, whose 390625 choices take longer to try.
TEST(budget, finds_what_brute_force_finds_of_8_tensors) {
  std::mt19937 random(2);
  for (int i = 0; i < 20; ++i) expect_least(random_instance(random, 8, 5, 100), 100 + random() % 300);
}

// Catches a point inside of the convex hull that no multiplier finds: 10 bytes have no room, 6 have.
TEST(budget, takes_options_inside_of_the_convex_hull) {
  const instance all{{{0, 10}, {6, 9}, {10, 0}}};
  EXPECT_EQ(allocate(all, 9).chosen, std::vector<std::size_t>{1});
  EXPECT_EQ(allocate_by_multiplier(all, 9).chosen, std::vector<std::size_t>{0});
  EXPECT_EQ(allocate(all, 9).bound, 1);  // 10 - 9 * (10 - 0) / 10
}

// Catches work or memory that grows with the number of bytes, or a bound that proves little: 300 tensors of 10 formats
// whose sizes have no common divisor.
TEST(budget, takes_a_large_model) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> bits(1.5, 9), noise(0.9, 1.1);
  instance all(300, std::vector<budget_option>(10));
  for (auto& tensor : all) {
    const double weights = std::exp2(12 + 12 * noise(random)), matters = std::exp2(20 * noise(random));
    for (budget_option& each : tensor) {
      const double b = bits(random);
      each = {static_cast<std::uint64_t>(b * weights / 8), matters * std::exp2(-2 * b) * noise(random)};
    }
  }
  std::uint64_t least = 0, most = 0;
  for (const auto& tensor : all) {
    std::uint64_t low = tensor[0].bytes, high = 0;
    for (const budget_option& each : tensor)
      low = std::min(low, each.bytes), high = std::max(high, each.bytes);
    least += low, most += high;
  }
  for (const double share : {0.01, 0.2, 0.5, 0.9}) {
    const budget_allocation a =
        allocate(all, least + static_cast<std::uint64_t>(share * static_cast<double>(most - least)));
    EXPECT_LE(a.bound, a.cost * (1 + 1e-12)) << share;
    EXPECT_LT(a.cost - a.bound, 1e-3 * a.cost) << share;
    EXPECT_LT(a.states, 10'000'000u) << share;
  }
}

// Catches a limit that cannot be met without a word of what can, and costs that no sum can be compared with.
TEST(budget, says_what_cannot_be) {
  const instance all{{{84, 9}, {144, 1}}, {{84, 5}, {144, 0.5}}};
  EXPECT_EQ(test::message_of<data_error>([&] { allocate(all, 167); }),
            "budget: expected at least 168 bytes, the least that these formats take, found 167");
  const budget_allocation a = allocate(all, 230);
  EXPECT_EQ(a.chosen, (std::vector<std::size_t>{1, 0}));
  EXPECT_NEAR(a.bound, 5.85, 1e-12);
  EXPECT_EQ(test::message_of<data_error>([&] { allocate(instance{{}}, 1); }),
            "budget: tensor 0: expected at least 1 format, found none");
  EXPECT_NE(test::message_of<data_error>([&] {
              allocate(instance{{{1, std::numeric_limits<double>::quiet_NaN()}}}, 1);
            }),
            "no error");
  EXPECT_NE(test::message_of<data_error>([&] { allocate(all, 300, 1); }), "no error");
}

}  // namespace
