#include <bitgauge/base/name_pattern.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bitgauge {
namespace {

// Catches a glob that matches a part of a name, or gives up after the first way to match a star.
TEST(name_pattern, globs_match_whole_names) {
  EXPECT_TRUE(matches_glob("*.attn_?.weight", "blk.3.attn_q.weight"));
  EXPECT_TRUE(matches_glob("*ab", "aabab"));
  EXPECT_TRUE(matches_glob("a*b*", "ab"));
  EXPECT_TRUE(matches_glob("**", ""));
  EXPECT_FALSE(matches_glob("attn", "blk.attn"));
  EXPECT_FALSE(matches_glob("*.Attn", "blk.attn"));
  EXPECT_FALSE(matches_glob("a?", "a"));
  EXPECT_FALSE(matches_glob("", "a"));
  // 2^n ways to match: this ends at once or not at all
  EXPECT_FALSE(matches_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(10000, 'a')));
}

// Catches a test of one's own that is not asked, and messages that do not say which pattern it was.
TEST(name_pattern, says_what_it_is) {
  EXPECT_EQ(name_pattern("*.weight").shown(), "rule \"*.weight\"");
  const name_pattern short_names("--short", "4", [](std::string_view name) { return name.size() < 4; });
  EXPECT_TRUE(short_names.matches("abc"));
  EXPECT_FALSE(short_names.matches("abcd"));
  EXPECT_EQ(short_names.shown(), "--short \"4\"");
}

}  // namespace
}  // namespace bitgauge
