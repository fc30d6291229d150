#include <bitgauge/gguf/format/unpack_blocks.hpp>
#include <bitgauge/gguf/format/visit_format.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf;

// Catches levels of another block or sub-block, a zero taken twice or not at all, a minimum of the wrong sign,
// and what an earlier call has left: against each block unpacked alone.
TEST(unpack_blocks, levels_and_scales_are_those_of_the_codes) {
  std::mt19937 random(1);
  for_each_format([&]<class Format>(Format) {
    unpacked_blocks<Format, 3> some;
    std::array<float, 3 * Format::elements> next{};
    for (const int count : {3, 1, 2}) {
      std::array<std::uint8_t, 3 * Format::bytes> bytes;
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() & 0x3b);  // no NaN
      some.unpack(bytes.data(), count, next.data());
      for (int b = 0; b < count; ++b) {
        block_codes<Format> codes;
        unpack(bytes.data() + b * Format::bytes, codes);
        std::array<std::int8_t, Format::elements> levels;
        codes.levels(levels.data());
        for (int j = 0; j < Format::elements; ++j) {
          const auto level =
              static_cast<std::int8_t>(some.level_bytes()[b * Format::elements + j] - some.zero);
          EXPECT_EQ(level, levels[static_cast<std::size_t>(j)]) << Format::name << " element " << j;
        }
        for (int s = 0; s < Format::sub_blocks; ++s) {
          const auto at = static_cast<std::size_t>(b * Format::sub_blocks + s);
          EXPECT_EQ(some.scale[at], codes.scale_of(s)) << Format::name;
          if constexpr (Format::has_minimum) {
            const float sign = subtracted_minimum<typename Format::minimum> ? -1.0f : 1.0f;
            EXPECT_EQ(sign * some.minimum[at], codes.minimum_of(s)) << Format::name;
          }
        }
      }
    }
  });
}

}  // namespace
