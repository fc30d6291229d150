#include <bitgauge/gguf/best_one_scale.hpp>
#include <bitgauge/gguf/decode.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf;

/// The least error over every finite binary16 scale, each element at its nearest level.
template <class Format>
double least_error_of_all(const std::vector<float>& x, const float* importance) {
  constexpr auto levels = best::ascending_levels<Format>();
  double least = HUGE_VAL;
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    if ((pattern & 0x7c00) == 0x7c00) continue;
    const double scale = numeric::half_to_float(static_cast<std::uint16_t>(pattern));
    double error = 0;
    for (std::size_t j = 0; j < x.size() && error < least; ++j) {
      double nearest = HUGE_VAL;
      for (const int level : levels) {
        const double difference = x[j] - scale * level;
        nearest = std::min(nearest, difference * difference);
      }
      error += nearest * best::weight_of(importance, static_cast<int>(j));
    }
    least = std::min(least, error);
  }
  return least;
}

template <class Format>
double error_of_best(const std::vector<float>& x, const float* importance) {
  block_codes<Format> codes;
  best::encode(x.data(), importance, codes);
  block<Format> stored;
  pack(codes, stored.bytes.data());
  std::vector<float> decoded(x.size());
  decode_block<Format>(stored.bytes.data(), decoded.data());
  return best::weighted_error(x.data(), decoded.data(), importance, Format::elements);
}

// Catches a skipped interval, a bound that cuts off the optimum, a scale that is not the stored one: brute
// force over all 63488 scales, with and without importance, one huge element, a shifted block, tiny numbers.
template <class Format>
void expect_optimal() {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 4; ++trial) {
    std::vector<float> x(static_cast<std::size_t>(Format::elements)), importance(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = 0.02f * normal(random) + (trial == 2 ? 0.03f : 0.0f);
      importance[j] = std::exp(2.0f * normal(random));
      if (trial == 3) x[j] *= 1e-4f;
    }
    if (trial == 1) x[5] = 1.0f;
    for (const float* weights :
         {static_cast<const float*>(nullptr), static_cast<const float*>(importance.data())}) {
      const double least = least_error_of_all<Format>(x, weights);
      EXPECT_NEAR(error_of_best<Format>(x, weights), least, 1e-6 * least) << "trial " << trial;
    }
  }
}

TEST(optimal_scale, q4_0_is_the_optimum) {
  expect_optimal<q4_0>();
}
TEST(optimal_scale, q5_0_is_the_optimum) {
  expect_optimal<q5_0>();
}
TEST(optimal_scale, iq4_nl_is_the_optimum) {
  expect_optimal<iq4_nl>();
}
TEST(optimal_scale, q2_0_is_the_optimum) {
  expect_optimal<q2_0>();
}
TEST(optimal_scale, q1_0_is_the_optimum) {
  expect_optimal<q1_0>();
}

// Catches a search that returns a scale for nothing, or divides by it.
TEST(optimal_scale, zeros_have_scale_zero) {
  const std::vector<float> x(32, 0.0f);
  block_codes<q4_0> codes;
  best::encode(x.data(), nullptr, codes);
  EXPECT_EQ(codes.scale.super, 0.0f);
  EXPECT_EQ(error_of_best<q4_0>(x, nullptr), 0.0);
}

// Catches a scale of infinity where the elements exceed what binary16 can scale.
TEST(optimal_scale, huge_elements_get_the_greatest_finite_scale) {
  std::vector<float> x(32, 1e7f);
  block_codes<q4_0> codes;
  best::encode(x.data(), nullptr, codes);
  EXPECT_EQ(std::abs(codes.scale.super), 65504.0f);
}

}  // namespace
