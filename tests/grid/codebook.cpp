#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/grid/grid.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

using bitgauge::codebook_grid;

static_assert(bitgauge::plain_grid<codebook_grid>);

constexpr std::array<float, 5> five{-1, -0.25f, 0, 0.25f, 1};
static_assert(codebook_grid(five).bits() == 3 && codebook_grid(five).nearest(-0.7f) == 0);

/// The rule, by a scan over all levels in ascending order: the first whose midpoint to the next is not below
/// the value.
int scanned(const std::vector<float>& levels, float value) {
  std::vector<int> order(levels.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return levels[static_cast<std::size_t>(a)] < levels[static_cast<std::size_t>(b)];
  });
  const auto level = [&](std::size_t i) { return levels[static_cast<std::size_t>(order[i])]; };
  std::size_t i = 0;
  while (i + 1 < order.size() && value > (level(i) + level(i + 1)) / 2) ++i;
  while (i > 0 && level(i - 1) == level(i)) --i;  // the first of equal levels
  return order[i];
}

// Catches a search that stops one level short, at any number of levels; levels in random order, some equal.
TEST(codebook_grid, agrees_with_a_scan) {
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  for (std::size_t count = 1; count <= 256; ++count) {
    std::vector<float> levels(count);
    for (float& level : levels) level = std::round(normal(random) * 64) / 16;
    const codebook_grid grid(levels);
    EXPECT_EQ(grid.bits(),
              count <= 2 ? 1 : static_cast<int>(std::ceil(std::log2(static_cast<double>(count)))));
    for (int k = 0; k < 400; ++k) {
      const float value = k % 2 != 0 ? normal(random) * 6 : std::round(normal(random) * 128) / 32;
      const int field = grid.nearest(value);
      ASSERT_EQ(grid.level(field), levels[static_cast<std::size_t>(scanned(levels, value))]);
      ASSERT_LT(static_cast<std::size_t>(field), count);
    }
    EXPECT_EQ(grid.level(grid.nearest(std::numeric_limits<float>::max())),
              *std::max_element(levels.begin(), levels.end()));
    EXPECT_EQ(grid.level(grid.nearest(-std::numeric_limits<float>::max())),
              *std::min_element(levels.begin(), levels.end()));
  }
}

// Catches a chunk that gives other fields than the search, at every length of the last chunk and number of
// levels.
TEST(codebook_grid, encodes_many_as_it_encodes_one) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const std::size_t count : {1u, 2u, 3u, 5u, 15u, 16u, 17u, 256u}) {
    std::vector<float> levels(count), x(70);
    for (float& level : levels) level = std::round(normal(random) * 8) / 8;
    for (float& value : x) value = std::round(normal(random) * 32) / 16;
    x[5] = std::numeric_limits<float>::max();
    const codebook_grid grid(levels);
    for (bitgauge::index_t n = 0; n <= 70; ++n) {
      std::vector<std::uint8_t> fields(70, 0xee);
      grid.encode(x.data(), n, 1.5f, fields.data());
      for (bitgauge::index_t i = 0; i < 70; ++i)
        ASSERT_EQ(fields[static_cast<std::size_t>(i)],
                  i < n ? grid.nearest(x[static_cast<std::size_t>(i)] * 1.5f) : 0xee);
    }
  }
}

// Catches a value on a midpoint going up, or an unsorted codebook losing its fields.
TEST(codebook_grid, ties_go_to_the_lower_level) {
  const codebook_grid grid(std::vector<float>{1, -1, 0.5f});
  EXPECT_EQ(grid.nearest(0.75f), 2);
  EXPECT_EQ(grid.nearest(std::nextafter(0.75f, 1.0f)), 0);
  EXPECT_EQ(grid.nearest(-0.25f), 1);
  EXPECT_EQ(grid.level(3), 1.0f);  // no level was given for the fourth field
}

// Catches a scale that clips one end of an uneven codebook.
TEST(codebook_grid, the_scale_covers_the_range) {
  const codebook_grid uneven(std::vector<float>{-2, 0, 1});
  EXPECT_EQ(uneven.scale_for({-3, 1}), 1.5f);
  EXPECT_EQ(uneven.scale_for({-3, 4}), 4.0f);
  EXPECT_EQ(codebook_grid(std::vector<float>{0, 0.5f}).scale_for({-7, 1}), 2.0f);
  EXPECT_EQ(uneven.scale_for({0, 0}), 0.0f);
}

// Catches a codebook that no code could stand for.
TEST(codebook_grid, refuses_what_is_no_codebook) {
  using bitgauge::invalid_scheme;
  using test::message_of;
  EXPECT_EQ(message_of<invalid_scheme>([] { codebook_grid(std::vector<float>{}); }),
            "codebook: expected 1 to 256 levels, found 0");
  EXPECT_EQ(message_of<invalid_scheme>([] { codebook_grid(std::vector<float>(257)); }),
            "codebook: expected 1 to 256 levels, found 257");
  EXPECT_EQ(message_of<invalid_scheme>([] {
              codebook_grid(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()});
            }),
            "codebook: level 1 is not finite");
}

}  // namespace
