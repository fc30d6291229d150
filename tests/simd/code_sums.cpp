#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/sums/code_sums.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

std::vector<simd::code_sum_block> candidates(std::size_t blocks, std::mt19937& random) {
  std::uniform_real_distribution<double> inverse(0.5, 9);
  std::vector<simd::code_sum_block> found(blocks);
  for (auto& block : found) {
    for (std::size_t lane = 0; lane < simd::code_sum_lanes; ++lane) {
      block.inverse[lane] = inverse(random);
      block.low[lane] = -static_cast<double>(random() % 9);
      block.high[lane] = static_cast<double>(random() % 9);
    }
  }
  return found;
}

// Catches a clamp, a rounding (ties occur: values are multiples of 1/8), a weight or a block that is treated
// another way than B = sum w x q and C = sum w q^2 say.
TEST(code_sums, are_the_definition) {
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  for (const std::size_t count : {1u, 2u, 7u, 32u, 33u}) {
    for (const bool weighted : {false, true}) {
      for (std::size_t blocks = 1; blocks <= 7; ++blocks) {
        std::vector<float> x(count), weights(count);
        for (float& value : x) value = std::round(normal(random) * 8) / 8;
        for (float& weight : weights) weight = static_cast<float>(random() % 5) / 4;
        const auto asked = candidates(blocks, random);
        for (const auto set : simd::available()) {
          const simd::scoped_instruction_set use(set);
          auto given = asked;
          simd::code_sums(x.data(), weighted ? weights.data() : nullptr,
                          static_cast<bitgauge::index_t>(count), given.data(),
                          static_cast<bitgauge::index_t>(blocks));
          for (const auto& block : given) {
            for (std::size_t lane = 0; lane < simd::code_sum_lanes; ++lane) {
              double linear = 0, square = 0;
              for (std::size_t i = 0; i < count; ++i) {
                const double value = x[i], weight = weighted ? static_cast<double>(weights[i]) : 1;
                const double code = std::nearbyint(
                    std::min(std::max(value * block.inverse[lane], block.low[lane]), block.high[lane]));
                linear += weight * value * code;
                square += weight * code * code;
              }
              ASSERT_DOUBLE_EQ(block.linear[lane], linear) << simd::name_of(set);
              ASSERT_DOUBLE_EQ(block.square[lane], square) << simd::name_of(set);
              ASSERT_DOUBLE_EQ(block.gain[lane], linear > 0 ? linear * linear / square : 0);
            }
          }
        }
      }
    }
  }
}

// Catches an instruction set that picks another one of equal candidates, or looks at one lane or block less.
TEST(code_sums, best_gain_is_the_first_of_the_largest) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 2000; ++trial) {
    const std::size_t blocks = 1 + random() % 5;
    std::vector<simd::code_sum_block> block(blocks);
    std::size_t first = 0;
    double most = -1;
    for (std::size_t i = 0; i < blocks * simd::code_sum_lanes; ++i) {
      const double gain = static_cast<double>(random() % 20);
      block[i / simd::code_sum_lanes].gain[i % simd::code_sum_lanes] = gain;
      if (gain > most) {
        most = gain;
        first = i;
      }
    }
    for (const auto set : simd::available()) {
      const simd::scoped_instruction_set use(set);
      ASSERT_EQ(simd::best_gain(block.data(), static_cast<bitgauge::index_t>(blocks)), first)
          << simd::name_of(set);
    }
  }
}

}  // namespace
