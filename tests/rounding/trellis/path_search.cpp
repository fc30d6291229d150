#include <bitgauge/rounding/trellis/path_search.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;
using detail::path_search;
using detail::symbol_costs;

double cost_of(const symbol_costs& costs, int quarters, float x, float lambda, std::int32_t k) {
  const double d = static_cast<double>(x) - k;
  return d * d + static_cast<double>(lambda) * static_cast<double>(costs.bits(quarters, k));
}

/// The least cost of all 2^length ways through the trellis from `state`, each level tried from -40 to 40.
double least_cost(const trellis_code& code, const symbol_costs& costs, int quarters, const float* x,
                  int length, float lambda, int state) {
  if (length == 0) return 0;
  double least = std::numeric_limits<double>::infinity();
  for (int bit = 0; bit < 2; ++bit) {
    double own = std::numeric_limits<double>::infinity();
    for (std::int32_t k = -40; k <= 40; ++k)
      if ((k & 1) == code.parity(state) && (code.symbol(state, k) & 1) == bit)
        own = std::min(own, cost_of(costs, quarters, *x, lambda, k));
    const int next = code.next(state, bit);
    least = std::min(least, own + least_cost(code, costs, quarters, x + 1, length - 1, lambda, next));
  }
  return least;
}

// Catches a state that is entered from the wrong one, a decision read from the wrong bit, a level that is not the
// cheapest of its quarter, and lanes that begin late.
TEST(path_search, equals_exhaustive_search) {
  constexpr int length = 8, quarters = 3;
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 2);
  std::uniform_real_distribution<float> uniform(0, 2);
  for (const int states : {4, 8, 16, 64, 256}) {
    const trellis_code code(states);
    const symbol_costs costs(code, 0);
    path_search search(code, costs);
    path_search::sequences s;
    s.resize(length);
    for (float& x : s.values) x = normal(random);
    for (float& lambda : s.lambda) lambda = uniform(random);
    std::fill(s.zero_of.begin(), s.zero_of.end(), symbol_costs::zero_of(quarters));
    for (std::size_t l = 0; l < 16; ++l) s.begin[l] = static_cast<index_t>(l % 3);
    search.run(s);
    for (std::size_t l = 0; l < 16; ++l) {
      std::vector<float> x;
      double found = 0;
      int state = 0;
      for (auto i = static_cast<std::size_t>(s.begin[l]); i < length; ++i) {
        const std::int32_t k = s.levels[i * 16 + l];
        ASSERT_EQ(k & 1, code.parity(state)) << states << " states, lane " << l << ", row " << i;
        state = code.next(state, code.symbol(state, k));
        x.push_back(s.values[i * 16 + l]);
        found += cost_of(costs, quarters, x.back(), s.lambda[l], k);
      }
      const double least =
          least_cost(code, costs, quarters, x.data(), static_cast<int>(x.size()), s.lambda[l], 0);
      EXPECT_NEAR(found, least, 1e-4) << states << " states, lane " << l;
    }
  }
}

// Catches a version whose sums are in another order, or contracted.
TEST(path_search, is_the_same_on_every_instruction_set) {
  const trellis_code code(16);
  const symbol_costs costs(code, 0);
  std::mt19937 random(6);
  std::normal_distribution<float> normal(0, 3);
  path_search::sequences s;
  s.resize(200);
  s.lambda.fill(0.36f);
  for (float& x : s.values) x = normal(random);
  std::fill(s.zero_of.begin(), s.zero_of.end(), symbol_costs::zero_of(6));
  std::vector<std::int32_t> first;
  for (const simd::instruction_set set : simd::all_instruction_sets) {
    if (!simd::supports(set)) continue;
    const simd::scoped_instruction_set scope(set);
    path_search(code, costs).run(s);
    if (first.empty()) first = s.levels;
    EXPECT_EQ(s.levels, first);
  }
}

}  // namespace
