#include <bitgauge/gguf/fast/elements.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

using namespace bitgauge;
using gguf::fast::trial_elements;

// Catches a unit that is no power of two, that is above the number, or whose inverse is not finite.
TEST(fast_elements, units_are_powers_of_two) {
  EXPECT_EQ(gguf::fast::power_of_two_below(0.0f), 1.0f);
  EXPECT_EQ(gguf::fast::power_of_two_below(1.0f), 1.0f);
  EXPECT_EQ(gguf::fast::power_of_two_below(0.99f), 0.5f);
  EXPECT_EQ(gguf::fast::power_of_two_below(1000.0f), 512.0f);
  EXPECT_EQ(gguf::fast::power_of_two_below(3e38f), 0x1p100f);
  EXPECT_EQ(gguf::fast::power_of_two_below(1e-45f), 0x1p-100f);
}

// Catches an element in another lane or place, a sum over the wrong lane, weights of neighbours, a unit that
// is not shared by a block, and leftovers of the blocks before in lanes without elements.
TEST(fast_elements, sub_blocks_lie_in_lanes) {
  constexpr int count = 32, per_block = 8, blocks = 1;
  std::vector<float> x(count * per_block), weight(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sin(static_cast<float>(7 * i)) * 300.0f;
    weight[i] = 1.0f + static_cast<float>(i % 5);
  }
  const float unit = gguf::fast::power_of_two_below(std::abs(
      *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::abs(a) < std::abs(b); })));
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    trial_elements<count, per_block> block;
    for (auto& lane : block.x) lane.fill(-1e9f);
    block.load(x.data(), weight.data(), static_cast<bitgauge::index_t>(x.size()));
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      block.template prepare<simd::lanes<width()>>();
    });
    for (std::size_t s = 0; s < 16; ++s) {
      double sum_weight = 0, sum_x = 0, low = 1e9, high = -1e9;
      for (std::size_t j = 0; j < count; ++j) {
        const bool inside = s < per_block * blocks;
        const float expected = inside ? x[s * count + j] / unit : 0.0f;
        const float w = inside ? weight[s * count + j] / 4.0f : 0.0f;  // the greatest weight is 5
        EXPECT_EQ(block.x[j][s], expected);
        EXPECT_EQ(block.weight[j][s], w);
        EXPECT_EQ(block.weighted_x[j][s], expected * w);
        sum_weight += w;
        sum_x += static_cast<double>(expected * w);
        low = std::min(low, static_cast<double>(expected));
        high = std::max(high, static_cast<double>(expected));
      }
      EXPECT_EQ(block.unit[s], s < per_block * blocks ? unit : 1.0f);
      EXPECT_EQ(block.low[s], low);
      EXPECT_EQ(block.high[s], high);
      EXPECT_NEAR(block.sum_weight[s], sum_weight, 1e-5 * (1 + sum_weight));
      EXPECT_NEAR(block.sum_x[s], sum_x, 1e-4);
    }
  }
}

}  // namespace
