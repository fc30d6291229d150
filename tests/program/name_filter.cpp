#include "bitgauge/name_filter.hpp"

#include "fuzz/name_filter.hpp"
#include "support/file_bytes.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace {

using program::name_filter;

const std::string seen = "selected";
std::string reason(const name_filter& filter, const std::string& name) {
  return filter.reason_to_skip(name).value_or(seen);
}

// Catches a whole match where a search is meant, and the two options exchanged.
TEST(name_filter, searches_names) {
  const name_filter filter("attn|mlp", "\\.bias$");
  EXPECT_EQ(reason(filter, "layer.0.attn.weight"), seen);
  EXPECT_EQ(reason(filter, "layer.0.norm.weight"), "not matched by --include");
  EXPECT_EQ(reason(filter, "layer.0.mlp.bias"), "matched by --exclude");
  EXPECT_EQ(reason(name_filter("", ""), "w"), seen);
  EXPECT_EQ(reason(name_filter("a.b", ""), "a\nb"), seen);
}

// Catches an engine that recurses along the name (std::regex crashed at 30,000 characters) or tries every way
// to match (this expression takes it 2^n steps): both end at once, or this test does not end.
TEST(name_filter, long_names_and_nested_repetitions_take_linear_time) {
  const std::string name(1'000'000, 'a');
  EXPECT_EQ(reason(name_filter("(a|b)*c|(.*)d", ""), name), "not matched by --include");
  EXPECT_EQ(reason(name_filter("(a+)+$", ""), name + "!"), "not matched by --include");
  EXPECT_EQ(reason(name_filter("^(a|aa)+$", ""), name), seen);
}

// Catches an expression that is refused without a reason, or quoted without an end.
TEST(name_filter, says_what_is_wrong) {
  const auto failure = [](const std::string& text) {
    return test::message_of<bitgauge::invalid_scheme>([&] { name_filter("", text); });
  };
  EXPECT_EQ(failure("a("), "--exclude: \"a(\" is no regular expression that RE2 takes: missing ): a(");
  EXPECT_EQ(failure("(?!a)"),
            "--exclude: \"(?!a)\" is no regular expression that RE2 takes: invalid perl operator: (?!");
  EXPECT_NE(failure("((a{100}){100}){100}").find("that RE2 takes: "), std::string::npos);
  EXPECT_LT(failure(std::string(100000, '(')).size(), 600u);
  EXPECT_EQ(failure("\x1b[").find('\x1b'), std::string::npos);
}

// Catches an expression or a name of the fuzzer's corpus that ends in anything but success or invalid_scheme.
TEST(name_filter, corpus) {
  int accepted = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BITGAUGE_TEST_DATA "/io/corpus/name_filter"))
    accepted += fuzz::accepts(fuzz::name_filter, test::bytes_of(test::read_file(entry.path())));
  EXPECT_GE(accepted, 4);
}

}  // namespace
