#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/level_buckets.hpp>
#include <bitgauge/simd/levels.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;
using bounds_array = std::array<float, simd::level_buckets::capacity>;

/// Bounds of every kind: spread over all exponents, crowded, one-sided, with zero among them, subnormal.
bounds_array drawn_bounds(std::mt19937& random, std::size_t count) {
  std::normal_distribution<float> normal;
  bounds_array bounds;
  bounds.fill(FLT_MAX);
  const auto kind = random() % 5;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = normal(random);
    bounds[i] = kind == 0   ? std::ldexp(x, static_cast<int>(random() % 200) - 100)
                : kind == 1 ? std::round(x * 4) / 4
                : kind == 2 ? std::fabs(x) * 1e-3f + 1
                : kind == 3 ? std::ldexp(x, -130)
                            : x;
  }
  std::sort(bounds.begin(), bounds.begin() + static_cast<std::ptrdiff_t>(count));
  return bounds;
}

/// The bounds, the floats beside them, zeros, ends, infinities, and what lies between.
std::vector<float> probes(std::mt19937& random, const bounds_array& bounds, std::size_t count) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  std::normal_distribution<float> normal;
  std::vector<float> x{0.0f, -0.0f, FLT_MAX, -FLT_MAX, infinite, -infinite, 1e-45f, -1e-45f};
  for (std::size_t i = 0; i < count; ++i)
    for (const float value : {bounds[i], std::nextafter(bounds[i], infinite),
                              std::nextafter(bounds[i], -infinite), bounds[i] * normal(random)})
      x.insert(x.end(), {value, -value});
  return x;
}

// Catches a bucket that begins one pattern early or late, a sign, a search that stops short, and an
// instruction set that disagrees: std::lower_bound is the definition.
TEST(level_buckets, rank_is_the_number_of_bounds_below) {
  std::mt19937 random(5);
  std::vector<std::uint8_t> fields(simd::level_buckets::capacity + 3);
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = static_cast<std::uint8_t>(i);
  for (std::size_t count = 0; count < 256; count += count < 20 ? 1 : 5) {
    for (int repeat = 0; repeat < 6; ++repeat) {
      const bounds_array bounds = drawn_bounds(random, count);
      const simd::level_buckets buckets(bounds, count);
      const std::vector<float> x = probes(random, bounds, count);
      std::vector<std::uint8_t> out(x.size());
      for (const auto set : simd::available()) {
        const simd::scoped_instruction_set use(set);
        simd::encode_many_levels(x.data(), std::ssize(x), 1.0f, bounds, buckets, fields.data(), out.data());
        const auto end = bounds.begin() + static_cast<std::ptrdiff_t>(count);
        for (std::size_t i = 0; i < x.size(); ++i)
          ASSERT_EQ(out[i], std::lower_bound(bounds.begin(), end, x[i]) - bounds.begin())
              << simd::name_of(set) << " " << x[i] << " among " << count << " from " << bounds[0];
      }
    }
  }
}

}  // namespace
