#include <bitgauge/io/json/text.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using bitgauge::io::detail::json_text;
using bitgauge::io::detail::parse_json;
using nlohmann::ordered_json;

/// What the JSON library makes of a text.
ordered_json oracle(std::string_view text) {
  return ordered_json::parse(text, nullptr, false);
}

/// That a text is refused where the JSON library refuses it, and else means the same.
void expect_agreement(std::string_view text) {
  const ordered_json expected = oracle(text), found = parse_json(text);
  ASSERT_EQ(found.is_discarded(), expected.is_discarded()) << text;
  EXPECT_EQ(found.dump(), expected.dump()) << text;
}

// Catches values, escapes, numbers and faults of form that are read otherwise than the JSON library reads
// them: every beginning of each text is tried, and the text with each of its bytes replaced.
TEST(json_reader, agrees_with_the_library) {
  using namespace std::string_view_literals;
  for (
      const std::string_view text :
      {R"( {"a": [1, -2, 3.5e-2, 0, -0, true, false, null, {}], "b": {"c": "x\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"},)"
       R"("a": [[]] } )"sv,
       R"([18446744073709551615, 18446744073709551616, -9223372036854775808, -9223372036854775809, 1E+3, 0.1])"sv,
       "\xef\xbb\xbf[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\"]"sv}) {
    EXPECT_FALSE(oracle(text).is_discarded());
    expect_agreement(text);
    for (std::size_t length = 1; length < text.size(); ++length) expect_agreement(text.substr(0, length));
    for (std::size_t i = 3; i < text.size(); ++i)
      for (const char c : "\"\\,:0-.e[]{} \x01\x80\xa0\xc0\xed\xffutf"sv) {
        std::string other(text);
        other[i] = c;
        expect_agreement(other);
      }
  }
  EXPECT_TRUE(parse_json("1e999").is_discarded());
}

// Catches escapes that other programs read as another text, and text that no JSON can hold.
TEST(json_text, is_what_the_library_writes) {
  std::string all;
  for (char c = 0; c < 127; ++c) all += c;
  all += "\x7f\xc3\xa9\xf0\x9f\x98\x80";
  EXPECT_EQ(json_text(all), ordered_json(all).dump());
  EXPECT_EQ(json_text("\xc0\x80"), std::nullopt);
  EXPECT_EQ(json_text("\xed\xa0\x80"), std::nullopt);
}

}  // namespace
