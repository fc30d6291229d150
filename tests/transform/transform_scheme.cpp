#include <bitgauge/transform/stored/transform_scheme.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using bitgauge::parse_transform_scheme;
using bitgauge::transform_scheme;

// Catches a key that is not read or not written: files would say another transform than was made.
TEST(transform_scheme, reads_what_it_writes) {
  for (const std::string text :
       {"smooth", "smooth:alpha=0.75", "smooth:alpha=0", "smooth:alpha=auto", "awq", "rotate",
        "rotate:seed=18446744073709551615", "rotate:block=64", "rotate:seed=7,block=128", "equalize"})
    EXPECT_EQ(to_text(parse_transform_scheme(text)), text);
  EXPECT_EQ(parse_transform_scheme("smooth").alpha, 0.5f);
  EXPECT_FALSE(parse_transform_scheme("smooth:alpha=auto").alpha.has_value());
  const transform_scheme rotate = parse_transform_scheme("rotate:block=32,seed=9");
  EXPECT_EQ(rotate.seed, 9u);
  EXPECT_EQ(rotate.block, 32);
}

// Catches a mistake that is passed over in silence, and messages that do not help.
TEST(transform_scheme, says_what_is_wrong) {
  const auto message = [](const char* text) {
    return test::message_of<bitgauge::invalid_scheme>([&] { parse_transform_scheme(text); });
  };
  EXPECT_EQ(message("rotat"),
            "transform \"rotat\": expected smooth[:alpha=A|auto], awq, rotate[:seed=S,block=N] or equalize: "
            "did you "
            "mean rotate?");
  EXPECT_EQ(message("smooth:alpha=1.5"),
            "transform \"smooth:alpha=1.5\": alpha: expected a number from 0 to 1, or auto, found \"1.5\"");
  EXPECT_EQ(message("smooth:alpha=nan"),
            "transform \"smooth:alpha=nan\": alpha: expected a number from 0 to 1, or auto, found \"nan\"");
  EXPECT_EQ(message("smooth:beta=1"), "transform \"smooth:beta=1\": expected alpha=A|auto, found \"beta\"");
  EXPECT_EQ(message("rotate:seed=-1"),
            "transform \"rotate:seed=-1\": seed: expected a whole number from 0 up, found \"-1\"");
  EXPECT_EQ(message("rotate:block=0"),
            "transform \"rotate:block=0\": block: expected a whole number from 1 up, found \"0\"");
  EXPECT_EQ(message("awq:"), "transform \"awq:\": expected nothing more, found \"\"");
}

}  // namespace
