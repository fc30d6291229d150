#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/sums/value_sums.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

// Catches a tail that is skipped or read past, a sign, and lanes that are added in another order: sums of
// numbers this far apart differ in their last bits when any addition moves.
TEST(value_sums, are_the_definition_at_every_length) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (std::size_t n = 0; n <= 70; ++n) {
    std::vector<float> x(n);
    for (float& value : x) value = std::ldexp(normal(random), static_cast<int>(random() % 40) - 20);
    double energy[8] = {}, magnitude[8] = {};
    float low = 0, high = 0;
    for (std::size_t i = 0; i < n; ++i) {
      energy[i % 8] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      magnitude[i % 8] += static_cast<double>(std::fabs(x[i]));
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    double total_energy = 0, total_magnitude = 0;
    for (int lane = 0; lane < 8; ++lane) {
      total_energy += energy[lane];
      total_magnitude += magnitude[lane];
    }
    for (const auto set : simd::available()) {
      const simd::scoped_instruction_set use(set);
      const simd::value_sums found = simd::sum_values(x.data(), static_cast<bitgauge::index_t>(n));
      EXPECT_EQ(found.energy, total_energy) << simd::name_of(set) << " " << n;
      EXPECT_EQ(found.magnitude, total_magnitude) << simd::name_of(set) << " " << n;
      EXPECT_EQ(found.low, low) << simd::name_of(set) << " " << n;
      EXPECT_EQ(found.high, high) << simd::name_of(set) << " " << n;
    }
  }
}

}  // namespace
