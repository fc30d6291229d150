#include <bitgauge/range/observer/extent.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

// Catches a tail that is skipped, a lane that is not merged, and NaN or infinity that is taken for a value:
// the oracle looks at one value after the other.
TEST(extent, is_that_of_the_finite_values) {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float strange[] = {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};
  for (std::size_t n = 0; n <= 100; ++n) {
    for (const float shift : {-10.0f, 0.0f, 10.0f}) {
      std::vector<float> x(n);
      float low = FLT_MAX, high = -FLT_MAX;
      for (float& value : x) {
        value = random() % 4 == 0 ? strange[random() % 3] : normal(random) + shift;
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
      for (const auto set : simd::available()) {
        const simd::scoped_instruction_set use(set);
        const detail::extent found = detail::extent::of(x);
        ASSERT_EQ(found.low, low) << simd::name_of(set) << " " << n;
        ASSERT_EQ(found.high, high) << simd::name_of(set) << " " << n;
        ASSERT_EQ(found.empty(), low > high);
      }
    }
  }
}

}  // namespace
