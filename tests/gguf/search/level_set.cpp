#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/simd/widest.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf;

/// The levels nearest to `values`, a multiple of sixteen of them, with the instruction set in use.
template <class LevelSet>
std::vector<float> nearest(const std::vector<float>& values) {
  std::vector<float> levels(values.size());
  simd::on_widest([&](auto width) __attribute__((always_inline)) {
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
enum class tie { even, larger };

template <class LevelSet>
void expect_nearest(const std::vector<int>& levels, tie rule) {
  const auto values = eighths(LevelSet::least, LevelSet::most);
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    const auto found = nearest<LevelSet>(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      int best = levels[0];
      for (const int level : levels) {
        const double distance = std::abs(double{values[i]} - level),
                     least = std::abs(double{values[i]} - best);
        const bool wins_tie = distance == least && (rule == tie::even ? level % 2 == 0 : level > best);
        // the doubles of numbers far beyond are equally far from all
        if (distance < least || (std::abs(values[i]) < 1e8f && wins_tie)) best = level;
      }
      if (values[i] > 1e8f) best = levels.back();
      EXPECT_EQ(found[i], static_cast<float>(best)) << values[i] << " " << simd::name_of(set);
    }
  }
}

template <int Least, int Most>
void expect_counted() {
  std::vector<int> levels;
  for (int level = Least; level <= Most; ++level) levels.push_back(level);
  expect_nearest<counted_level_set<Least, Most>>(levels, tie::even);
  for (const int level : levels) EXPECT_EQ((counted_level_set<Least, Most>::code_of(level)), level - Least);
}

// Catches a level beyond the ends, a tie that goes another way, a code that does not count from the least.
TEST(level_sets, integers) {
  expect_counted<-4, 3>();
  expect_counted<-32, 31>();
  expect_counted<0, 15>();
  expect_counted<-127, 127>();
}

// Catches a point that is not half-way, a level left out, a code of another level.
TEST(level_sets, iq4) {
  expect_nearest<iq4_level_set>({iq4_levels.begin(), iq4_levels.end()}, tie::larger);
  for (std::size_t code = 0; code < iq4_levels.size(); ++code) {
    EXPECT_EQ(iq4_level_set::code_of(iq4_levels[code]), code);
  }
  EXPECT_EQ(iq4_level_set::least, iq4_levels.front());
  EXPECT_EQ(iq4_level_set::most, iq4_levels.back());
}

}  // namespace
