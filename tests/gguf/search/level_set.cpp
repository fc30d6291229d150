#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf;

/// The levels nearest to `values`, a multiple of sixteen of them, with the instruction set in use.
template <class LevelSet>
std::vector<float> nearest(const std::vector<float>& values) {
  std::vector<float> levels(values.size());
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    for (std::size_t i = 0; i < values.size(); i += lanes::count) {
      LevelSet::nearest(lanes::load(&values[i])).store(&levels[i]);
    }
  });
  return levels;
}

/// Every eighth from well below the levels to well above, which meets every point half-way between two, and
/// numbers far beyond.
std::vector<float> eighths(int least, int most) {
  std::vector<float> all{-1e30f, -1e9f, 1e9f, 1e30f};
  for (int i = 8 * (least - 3); i <= 8 * (most + 3); ++i) all.push_back(static_cast<float>(i) / 8);
  while (all.size() % 16 != 0) all.push_back(0.0f);
  return all;
}

/// The level that is chosen where two are equally near.
enum class rule { even, larger };

template <class LevelSet>
void expect_nearest(const std::vector<int>& levels, rule half_way) {
  const auto values = eighths(LevelSet::least, LevelSet::most);
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    const auto found = nearest<LevelSet>(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      int best = levels[0];
      for (const int level : levels) {
        const double distance = std::abs(double{values[i]} - level),
                     least = std::abs(double{values[i]} - best);
        const bool wins_tie = distance == least && (half_way == rule::even ? level % 2 == 0 : level > best);
        // the doubles of numbers far beyond are equally far from all
        if (distance < least || (std::abs(values[i]) < 1e8f && wins_tie)) best = level;
      }
      if (values[i] > 1e8f) best = levels.back();
      EXPECT_EQ(found[i], static_cast<float>(best)) << values[i] << " " << simd::name_of(set);
    }
  }
}

/// Levels whose codes count from the least.
template <int Least, int Most>
struct integers {
  static constexpr int zero = -Least, least = Least, most = Most;
};

template <int Least, int Most>
void expect_counted() {
  std::vector<int> levels;
  for (int level = Least; level <= Most; ++level) levels.push_back(level);
  expect_nearest<level_set<integers<Least, Most>>>(levels, rule::even);
  for (const int level : levels) EXPECT_EQ((level_set<integers<Least, Most>>::code_of(level)), level - Least);
}

// Catches a level beyond the ends, a tie that goes another way, a code that does not count from the least.
TEST(level_set, integers) {
  expect_counted<-4, 3>();
  expect_counted<-32, 31>();
  expect_counted<0, 15>();
  expect_counted<-127, 127>();
}

// Catches a point that is not half-way, a level left out, a code of another level.
TEST(level_set, iq4) {
  using set = level_set<iq4_nl::levels, tie::up>;
  expect_nearest<set>({iq4_levels.begin(), iq4_levels.end()}, rule::larger);
  for (std::size_t code = 0; code < iq4_levels.size(); ++code) {
    EXPECT_EQ(set::code_of(iq4_levels[code]), code);
  }
  EXPECT_EQ(int{set::least}, iq4_levels.front());
  EXPECT_EQ(int{set::most}, iq4_levels.back());
}

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
void expect_codes(int code_count) {
  using set = level_set<typename Format::levels>;
  for (float start = -140.0f; start < 140.0f; start += 16 * 0.37f) {
    std::array<float, 16> value{}, nearest{};
    std::array<std::uint8_t, 16> code{};
    for (std::size_t i = 0; i < 16; ++i) value[i] = start + 0.37f * static_cast<float>(i);
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
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
TEST(level_set, nearest_of_all_levels) {
  for (const simd::instruction_set chosen : simd::available()) {
    const simd::scoped_instruction_set use(chosen);
    expect_codes<gguf::q4_k>(16);
    expect_codes<gguf::q6_k>(64);
    expect_codes<gguf::q3_k>(8);
    expect_codes<gguf::iq4_nl>(16);
    expect_codes<gguf::mxfp4>(16);
  }
}

// Catches minus zero, which ggml never writes.
TEST(level_set, small_negative_values_have_code_0) {
  std::array<float, 16> value;
  value.fill(-0.2f);
  std::array<std::uint8_t, 16> code{};
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    level_set<gguf::mxfp4::levels>::code(lanes::load(value.data())).to_bytes(code.data());
  });
  for (const auto c : code) EXPECT_EQ(c, 0);
}

}  // namespace
