#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/sums/level_sums.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

// Catches a wrong half of the search, a level beside the nearest, a tie that goes up, weights left out, a
// block mixed up with its neighbours, and sums in another order: std::lower_bound in double is the definition
// for every instruction set.
TEST(level_sums, are_those_of_the_nearest_levels) {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  for (std::size_t count = 1; count <= 16; ++count) {
    std::vector<float> levels(count);
    for (float& level : levels) level = normal(random);
    std::sort(levels.begin(), levels.end());
    simd::level_lanes table;
    std::vector<double> midpoints;
    for (std::size_t i = 0; i < count; ++i) {
      table.levels[i] = levels[i];
      if (i > 0) midpoints.push_back((table.levels[i - 1] + table.levels[i]) / 2);
    }
    std::copy(midpoints.begin(), midpoints.end(), table.midpoints.begin());
    std::vector<float> x(37), weights(37);
    for (float& value : x) value = normal(random);
    for (float& weight : weights) weight = std::abs(normal(random));
    if (count > 1) x[0] = static_cast<float>(midpoints[0]);
    std::vector<simd::code_sum_block> blocks(5);
    for (auto& block : blocks)
      for (double& inverse : block.inverse) inverse = std::abs(static_cast<double>(normal(random))) * 2 + 0.1;
    blocks[0].inverse[0] = 1;
    for (const float* weight :
         {static_cast<const float*>(nullptr), static_cast<const float*>(weights.data())})
      for (const auto set : simd::available()) {
        const simd::scoped_instruction_set use(set);
        simd::level_sums(x.data(), weight, 37, table, blocks.data(), 5);
        for (const auto& block : blocks)
          for (std::size_t lane = 0; lane < simd::code_sum_lanes; ++lane) {
            double linear = 0, square = 0;
            for (std::size_t i = 0; i < 37; ++i) {
              const double value = x[i], w = weight != nullptr ? weight[i] : 1.0;
              const auto at =
                  std::lower_bound(midpoints.begin(), midpoints.end(), value * block.inverse[lane]);
              const double level = table.levels[static_cast<std::size_t>(at - midpoints.begin())];
              linear += numeric::uncontracted(w * value * level);
              square += numeric::uncontracted(w * (level * level));
            }
            ASSERT_EQ(bits(block.linear[lane]), bits(linear)) << simd::name_of(set) << " " << count;
            ASSERT_EQ(bits(block.square[lane]), bits(square)) << simd::name_of(set) << " " << count;
            ASSERT_EQ(block.gain[lane], linear > 0 ? linear * linear / square : 0);
          }
      }
  }
}

}  // namespace
