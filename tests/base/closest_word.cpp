#include <bitgauge/base/closest_word.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace bitgauge::detail;

/// The definition: the best of all ways to begin, without a table.
std::size_t distance_by_definition(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const std::string_view shorter_a = a.substr(1), shorter_b = b.substr(1);
  std::size_t least =
      std::min({distance_by_definition(shorter_a, b) + 1, distance_by_definition(a, shorter_b) + 1,
                distance_by_definition(shorter_a, shorter_b) + (a[0] == b[0] ? 0 : 1)});
  if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0])
    least = std::min(least, distance_by_definition(a.substr(2), b.substr(2)) + 1);
  return least;
}

// Catches a table row that is used after it was overwritten, and a swap that costs two: every pair of words
// of up to four letters of two kinds, by the recursion that defines the distance.
TEST(closest_word, edit_distance_is_that_of_its_definition) {
  std::vector<std::string> words{""};
  for (std::size_t i = 0; i < words.size() && words[i].size() < 4; ++i)
    for (const char letter : {'x', 'y'}) words.push_back(words[i] + letter);
  ASSERT_EQ(words.size(), 31u);
  for (const std::string& a : words)
    for (const std::string& b : words) ASSERT_EQ(edit_distance(a, b), distance_by_definition(a, b)) << a << b;
  EXPECT_EQ(edit_distance("Quantise", "quantize"), 1u);
  EXPECT_EQ(edit_distance("gorup", "group"), 1u);
}

// Catches a suggestion for a word that resembles nothing, and none for a slip.
TEST(closest_word, suggests_what_is_near_and_nothing_else) {
  constexpr std::string_view words[] = {"quantize", "dequantize", "compare", "inspect", "plan", "mse"};
  EXPECT_EQ(closest_word("quantise", words), "quantize");
  EXPECT_EQ(closest_word("INSPECT", words), "inspect");
  EXPECT_EQ(closest_word("insepct", words), "inspect");
  EXPECT_EQ(closest_word("plans", words), "plan");
  EXPECT_EQ(closest_word("colour", words), "");
  EXPECT_EQ(closest_word("xyz", words), "");
  EXPECT_EQ(closest_word("", words), "");
  EXPECT_EQ(closest_word(std::string(100000, 'q'), words), "");
  EXPECT_EQ(did_you_mean(closest_word("quantise", words)), ": did you mean quantize?");
  EXPECT_EQ(did_you_mean(""), "");
}

}  // namespace
