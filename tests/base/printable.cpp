#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace {

using bitgauge::printable;

// Catches text of a file that reaches a terminal as a command: ESC and its one-character form in C1, and what
// breaks one line into two.
TEST(printable, control_characters_are_spelled) {
  EXPECT_EQ(printable("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(printable("a\nb\rc\td\x7f"), "a\\nb\\rc\\td\\x7f");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m");
  EXPECT_EQ(printable("one\xe2\x80\xa8two"), "one\\u{2028}two");
}

// Catches names that read as others: overrides of direction, characters that are not seen.
TEST(printable, characters_that_reorder_or_hide_are_spelled) {
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\u{202e}b");
  EXPECT_EQ(printable("\xe2\x81\xa6w\xe2\x81\xa9"), "\\u{2066}w\\u{2069}");
  EXPECT_EQ(printable("w\xe2\x80\x8b"), "w\\u{200b}");
  EXPECT_EQ(printable("\xf3\xa0\x81\x81"), "\\u{e0041}");
}

// Catches bytes that are no UTF-8 let through, and letters of other scripts spelled out.
TEST(printable, only_utf8_passes) {
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f \xe5\xb1\x82 \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe5\xb1\x82 \xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");                             // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(printable("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond 10FFFF
}

// Catches a message that is spelled anew each time it is passed on.
TEST(printable, twice_is_once) {
  const std::string once = printable("\x1b\\x1b\xff\\n\n");
  EXPECT_EQ(printable(once), once);
}

// Catches a limit that is not kept, one that cuts a character in two, and the loss of a name's end.
TEST(printable, long_text_is_cut_in_its_middle) {
  EXPECT_EQ(printable("0123456789", 10), "0123456789");
  EXPECT_EQ(printable("0123456789a", 8), "012345...(11 bytes)...9a");
  for (const std::string piece : {"x", "\x1b", "\xc3\xbc", "\xff", "\x80", "\xf0\x9f\x98\x80"}) {
    std::string text;
    for (int i = 0; i < 10000; ++i) text += piece;
    const std::string shown = printable(text, 200),
                      mark = "...(" + std::to_string(text.size()) + " bytes)...";
    EXPECT_LE(shown.size(), 200 + mark.size()) << piece;
    EXPECT_NE(shown.find(mark), std::string::npos) << piece;
    EXPECT_EQ(printable(shown), shown) << piece;
  }
}

// Catches time that grows with the square of the length.
TEST(printable, whole_text_takes_linear_time) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "x\xc3\xbc";
  EXPECT_EQ(printable(text), text);
}

// Catches an error that repeats a whole name of a megabyte, or its control characters.
TEST(printable, parse_errors_show_a_bounded_part) {
  const std::string name = "tensor " + std::string(1'000'000, 'w') + "\x1b[2J: shape";
  const bitgauge::parse_error failure("file", 8, name, "found '" + std::string(1'000'000, 'v') + "\n'");
  const std::string message = failure.what();
  EXPECT_LT(message.size(), 800u);
  EXPECT_LT(std::count(message.begin(), message.end(), 'w'), 201);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_NE(message.find(": shape: found 'v"), std::string::npos);
  EXPECT_EQ(failure.field().find('\x1b'), std::string::npos);
}

}  // namespace
