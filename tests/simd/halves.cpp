#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/lanes/halves.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using namespace bitgauge;

// Catches another tie, subnormals flushed to zero, an infinite scale and a lost tail, against the definition:
// every binary16 number, the middle between it and the next, and one float to either side of that.
TEST(halves, the_nearest_finite_half) {
  std::vector<float> x;
  std::vector<std::uint16_t> expected;
  for (std::uint32_t pattern = 0; pattern < 0x7bffu; ++pattern) {
    const float low = numeric::half_to_float(static_cast<std::uint16_t>(pattern));
    const float high = numeric::half_to_float(static_cast<std::uint16_t>(pattern + 1));
    const float middle = 0.5f * (low + high);  // exact: one bit more than binary16
    const std::uint32_t even = pattern % 2 == 0 ? pattern : pattern + 1;
    const auto add = [&](float value, std::uint32_t nearest) {
      x.insert(x.end(), {value, -value});
      expected.push_back(static_cast<std::uint16_t>(nearest));
      expected.push_back(static_cast<std::uint16_t>(nearest | 0x8000u));
    };
    add(low, pattern);
    add(middle, even);
    add(std::nextafter(middle, 0.0f), pattern);
    add(std::nextafter(middle, 1e9f), pattern + 1);
  }
  x.insert(x.end(), {65520.0f, -65520.0f, 3e38f});
  expected.insert(expected.end(), {0x7bffu, 0xfbffu, 0x7bffu});
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    std::vector<std::uint16_t> pattern(x.size());
    std::vector<float> value(x.size());
    simd::nearest_halves(x.data(), static_cast<bitgauge::index_t>(x.size()), pattern.data(), value.data());
    EXPECT_EQ(pattern, expected) << simd::name_of(set);
    for (std::size_t i = 0; i < x.size(); i += 997) {
      EXPECT_EQ(value[i], numeric::half_to_float(expected[i])) << simd::name_of(set);
    }
  }
}

// Catches a wrong subnormal, infinity, NaN or sign, and a lost tail: every pattern.
TEST(halves, every_pattern_has_its_value) {
  std::vector<std::uint8_t> bytes;
  for (std::uint32_t pattern = 0; pattern < 0x10000u - 5; ++pattern) {
    bytes.push_back(static_cast<std::uint8_t>(pattern & 255u));
    bytes.push_back(static_cast<std::uint8_t>(pattern >> 8));
  }
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    std::vector<float> values(bytes.size() / 2);
    simd::from_halves(bytes.data(), static_cast<bitgauge::index_t>(values.size()), values.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]),
                std::bit_cast<std::uint32_t>(numeric::half_to_float(static_cast<std::uint16_t>(i))))
          << i << " " << simd::name_of(set);
    }
  }
}

}  // namespace
