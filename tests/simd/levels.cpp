#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/levels.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

// Catches a tail or a search step that any instruction set treats another way than the definition
// does.
TEST(levels, encode_as_defined) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> bounds(16, FLT_MAX), x(83);
    const std::size_t used = trial < 16 ? static_cast<std::size_t>(trial) : 15;
    for (std::size_t i = 0; i < used; ++i) bounds[i] = std::round(normal(random) * 8) / 8;
    std::sort(bounds.begin(), bounds.end());
    std::vector<std::uint8_t> fields(16);
    for (auto& field : fields) field = static_cast<std::uint8_t>(random() % 8);
    for (float& value : x) value = std::round(normal(random) * 16) / 8;
    x[0] = FLT_MAX;
    x[1] = -FLT_MAX;
    x[2] = -0.0f;
    for (bitgauge::index_t n = 0; n <= 83; ++n) {
      for (const auto set : simd::available()) {
        const simd::scoped_instruction_set use(set);
        std::vector<std::uint8_t> out(83, 0xee);
        simd::encode_levels(x.data(), n, 0.5f, bounds.data(), fields.data(), out.data());
        for (bitgauge::index_t i = 0; i < 83; ++i) {
          const auto at = static_cast<std::size_t>(i);
          const float value = x[at] * 0.5f;
          const auto rank =
              std::count_if(bounds.begin(), bounds.end() - 1, [&](float b) { return b < value; });
          ASSERT_EQ(out[at], i < n ? fields[static_cast<std::size_t>(rank)] : 0xee) << simd::name_of(set);
        }
      }
    }
  }
}

// Catches a level or scale of a neighbour, at every run and tail.
TEST(levels, decode_as_defined) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> levels(256), scales(83);
  std::vector<std::uint8_t> fields(83);
  for (float& level : levels) level = normal(random);
  for (float& scale : scales) scale = normal(random);
  for (const int bits : {1, 3, 4, 8}) {
    for (auto& field : fields) field = static_cast<std::uint8_t>(random() % (1u << bits));
    for (const bitgauge::index_t run : {1, 5, 16, 17, 32, 83}) {
      for (bitgauge::index_t n = 0; n <= 83; ++n) {
        for (const auto set : simd::available()) {
          const simd::scoped_instruction_set use(set);
          std::vector<float> out(83, 0.125f);
          simd::decode_levels(fields.data(), n, run, scales.data(), levels.data(), bits, out.data());
          for (bitgauge::index_t i = 0; i < 83; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const float expected = levels[fields[at]] * scales[static_cast<std::size_t>(i / run)];
            ASSERT_EQ(out[at], i < n ? expected : 0.125f) << simd::name_of(set);
          }
        }
      }
    }
  }
}

// Catches the same where rows are long enough for tables of their own: blocks of 64, and what is left.
TEST(levels, decode_long_rows_as_defined) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> levels(256), scales(80);
  std::vector<std::uint8_t> fields(1200);
  for (float& level : levels) level = normal(random);
  for (float& scale : scales) scale = normal(random);
  const std::vector<float> some(levels.begin(), levels.begin() + 64);  // read past its end only by mistake
  for (const bitgauge::index_t run : {16, 32, 48, 100, 256, 1200, 2000}) {
    for (const bitgauge::index_t n : {512, 575, 576, 577, 640, 1199, 1200}) {
      const int bits = n % 2 != 0 ? 6 : 8;
      for (auto& field : fields) field = static_cast<std::uint8_t>(random() % (1u << bits));
      for (const auto set : simd::available()) {
        const simd::scoped_instruction_set use(set);
        std::vector<float> out(1200, 0.125f);
        simd::decode_levels(fields.data(), n, run, scales.data(), bits == 6 ? some.data() : levels.data(),
                            bits, out.data());
        for (bitgauge::index_t i = 0; i < 1200; ++i) {
          const auto at = static_cast<std::size_t>(i);
          const float expected = levels[fields[at]] * scales[static_cast<std::size_t>(i / run)];
          ASSERT_EQ(out[at], i < n ? expected : 0.125f) << simd::name_of(set) << " " << run << " " << n;
        }
      }
    }
  }
}

}  // namespace
