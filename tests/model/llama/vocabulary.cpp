#include <bitgauge/model/llama/vocabulary.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using bitgauge::llama::token;
using bitgauge::llama::vocabulary;

std::string text_of(const vocabulary& v, const std::vector<token>& tokens) {
  std::string text;
  for (const token t : tokens) text += v.text_of(t);
  return text;
}

// Catches another numbering than that of the little llama: 3 + byte, a space 259.
TEST(vocabulary, of_bytes) {
  const vocabulary v = vocabulary::bytes();
  EXPECT_EQ(v.tokens_of("Ab c"), (std::vector<token>{3 + 'A', 3 + 'b', 259, 3 + 'c'}));
  const std::string any = "\xC3\xA9\n\xFF x";
  EXPECT_EQ(text_of(v, v.tokens_of(any)), any);
  EXPECT_EQ(v.text_of(2), "");
  EXPECT_TRUE(v.tokens_of("").empty());
  EXPECT_EQ(test::message_of<bitgauge::data_error>([&] { (void)v.text_of(260); }),
            "token: expected 0 to 259, found 260");
}

// Catches pieces put together in another order than that of their scores. By hand: of "abab", "ba" has the greatest
// score and goes first; then "aba" has none, and of "xaba b" what is no piece becomes bytes.
TEST(vocabulary, puts_the_best_pieces_together_first) {
  std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) {
    const std::string digits = "0123456789ABCDEF";
    pieces.push_back(std::string("<0x") + digits[static_cast<std::size_t>(byte / 16)] +
                     digits[static_cast<std::size_t>(byte % 16)] + ">");
  }
  std::vector<float> scores(pieces.size(), 0);
  const auto add = [&](const char* piece, float score) {
    pieces.emplace_back(piece);
    scores.push_back(score);
  };
  add("a", -10);            // 259
  add("b", -11);            // 260
  add("ab", -2);            // 261
  add("ba", -1);            // 262
  add("\xE2\x96\x81", -3);  // 263
  add("\xE2\x96\x81"
      "a",
      -1.5f);     // 264
  add("bb", -5);  // 265
  const vocabulary v(pieces, scores, {.add_space_prefix = false});
  EXPECT_EQ(v.tokens_of("abab"), (std::vector<token>{259, 262, 260}));
  EXPECT_EQ(v.tokens_of("ab"), (std::vector<token>{261}));
  EXPECT_EQ(v.tokens_of(" abb"), (std::vector<token>{264, 265}));
  EXPECT_EQ(v.tokens_of("xa"), (std::vector<token>{3 + 'x', 259}));
  // equal scores: the first pair of three equal letters
  EXPECT_EQ(v.tokens_of("bbb"), (std::vector<token>{265, 260}));
  EXPECT_EQ(text_of(v, v.tokens_of("abab xbaa")), "abab xbaa");
  const vocabulary prefixed(pieces, scores, {.add_space_prefix = true, .add_begin = true});
  EXPECT_EQ(prefixed.tokens_of("a"), (std::vector<token>{1, 264}));
}

}  // namespace
