#include <bitgauge/gguf/fast/levels.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/simd/widest.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace {

using namespace bitgauge;

/// The levels that the codes of a format stand for, by its own unpacking.
template <class Format>
int level_of(std::uint8_t code) {
  gguf::block_codes<Format> codes;
  codes.elements.fill(code);
  std::array<std::int8_t, Format::elements> levels{};
  codes.levels(levels.data());
  return levels[0];
}

template <class Format>
void check(int code_count) {
  using set = gguf::quick::level_set<typename Format::levels>;
  for (float start = -140.0f; start < 140.0f; start += 16 * 0.37f) {
    std::array<float, 16> value{}, nearest{};
    std::array<std::uint8_t, 16> code{};
    for (std::size_t i = 0; i < 16; ++i) value[i] = start + 0.37f * static_cast<float>(i);
    simd::on_widest([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<width()>;
      const auto v = lanes::load(value.data());
      set::nearest(v).store(nearest.data());
      set::code(v).to_bytes(code.data());
    });
    for (std::size_t i = 0; i < 16; ++i) {
      float distance = 1e9f;
      for (int c = 0; c < code_count; ++c) {
        distance =
            std::min(distance,
                     std::abs(value[i] - static_cast<float>(level_of<Format>(static_cast<std::uint8_t>(c)))));
      }
      EXPECT_FLOAT_EQ(std::abs(value[i] - nearest[i]), distance) << value[i];
      EXPECT_EQ(static_cast<float>(level_of<Format>(code[i])), nearest[i]) << value[i];
    }
  }
}

// Catches a bound between two levels at the wrong place, a code that stands for another level, a lost sign
// and levels past the ends, by comparing with all levels.
TEST(quick_levels, nearest_of_all_levels) {
  for (const simd::instruction_set chosen : simd::available()) {
    const simd::scoped_instruction_set use(chosen);
    check<gguf::q4_k>(16);
    check<gguf::q6_k>(64);
    check<gguf::q3_k>(8);
    check<gguf::iq4_nl>(16);
    check<gguf::mxfp4>(16);
  }
}

// Catches minus zero, which ggml never writes.
TEST(quick_levels, small_negative_values_have_code_0) {
  std::array<float, 16> value;
  value.fill(-0.2f);
  std::array<std::uint8_t, 16> code{};
  simd::on_widest([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    gguf::quick::level_set<gguf::mxfp4::levels>::code(lanes::load(value.data())).to_bytes(code.data());
  });
  for (const auto c : code) EXPECT_EQ(c, 0);
}

}  // namespace
