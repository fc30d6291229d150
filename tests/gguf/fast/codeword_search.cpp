#include <bitgauge/gguf/fast/codeword_search.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace {

using namespace bitgauge::gguf;

// Catches a half taken from the wrong levels, an entry lost in the sorting, a shift or a scale of another lane, and
// an index that is not the one of the least cost; on every instruction set.
template <const auto& Codebook>
void expect_nearest(float shift) {
  std::mt19937 random(23);
  std::normal_distribution<float> normal;
  std::array<sixteen, static_cast<std::size_t>(Codebook.dimension)> x, weight;
  sixteen scale, shifts;
  fast::codeword_search<Codebook> search;
  for (int trial = 0; trial < 20; ++trial) {
    for (std::size_t g = 0; g < 16; ++g) {
      for (std::size_t j = 0; j < x.size(); ++j) {
        x[j][g] = shift != 0 ? normal(random) : std::abs(normal(random)) - (trial == 0 ? 1.0f : 0.0f);
        weight[j][g] = std::exp(normal(random));
      }
      scale[g] = (0.5f + 0.1f * static_cast<float>(g)) * 2 / static_cast<float>(Codebook.levels.back());
      shifts[g] = g % 2 == 0 ? shift : -shift;
    }
    for (const auto set : bitgauge::simd::available()) {
      const bitgauge::simd::scoped_instruction_set use(set);
      bitgauge::simd::multiversion([&](auto width) __attribute__((always_inline)) {
        search.template run<bitgauge::simd::lanes<width()>>(x.data(), weight.data(), scale, shifts);
      });
      for (std::size_t g = 0; g < 16; ++g) {
        const auto cost = [&](const auto& vector) {
          double sum = 0;
          for (std::size_t j = 0; j < x.size(); ++j) {
            const double level = static_cast<double>(vector[j]) + static_cast<double>(shifts[g]);
            const double difference = static_cast<double>(x[j][g]) - static_cast<double>(scale[g]) * level;
            sum += static_cast<double>(weight[j][g]) * difference * difference;
          }
          return sum;
        };
        double least = HUGE_VAL;
        for (const auto& vector : codebook_vectors<Codebook>) least = std::min(least, cost(vector));
        ASSERT_NEAR(cost(codebook_vectors<Codebook>[search.index[g]]), least, 2e-6 * least) << name_of(set);
        ASSERT_NEAR(static_cast<double>(search.cost[g]), least, 2e-6 * least) << name_of(set);
      }
    }
  }
}

TEST(codeword_search, finds_the_nearest_entry) {
  expect_nearest<iq2_xxs_codebook>(0);
  expect_nearest<iq2_xs_codebook>(0);
  expect_nearest<iq2_s_codebook>(0);
  expect_nearest<iq3_xxs_codebook>(0);
  expect_nearest<iq3_s_codebook>(0);
  expect_nearest<iq1_codebook>(1);
}

}  // namespace
