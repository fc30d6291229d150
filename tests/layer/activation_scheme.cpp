#include <bitgauge/layer/activation_scheme.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bitgauge {
namespace {

// Catches a text that is read as another scheme than it was written from.
TEST(activation_scheme, texts_round_trip) {
  for (const char* text : {"dynamic:affine", "dynamic:affine:group=tensor", "dynamic:symmetric",
                           "static:affine", "static:affine:range=percentile,percentile=99.99",
                           "static:symmetric:full=1,range=mse,effort=best", "static:affine:range=kl"})
    EXPECT_EQ(to_text(parse_activation_scheme(text)), text);
  EXPECT_EQ(to_text(parse_activation_scheme("dynamic")), "dynamic:affine");
  EXPECT_EQ(to_text(parse_activation_scheme("static:affine:group=tensor")), "static:affine");
}

TEST(activation_scheme, wrong_texts_are_named) {
  const auto message = [](const char* text) {
    return test::message_of<invalid_scheme>([&] { parse_activation_scheme(text); });
  };
  EXPECT_EQ(
      message("stat:affine"),
      "activations \"stat:affine\": expected dynamic[:SCHEME] or static[:SCHEME]: did you mean static?");
  EXPECT_NE(message("static:affine:group=column").find("group=tensor"), std::string::npos);
  EXPECT_NE(message("dynamic:affine:group=32").find("group=row or group=tensor"), std::string::npos);
  EXPECT_NE(message("dynamic:affine:range=kl").find("range=minmax"), std::string::npos);
  EXPECT_NE(message("dynamic:affine:bits=4").find("8 bits, found \"affine:bits=4\""), std::string::npos);
  EXPECT_NE(message("static:nf4").find("affine or symmetric"), std::string::npos);
  EXPECT_NE(message("static:affine:scale=f16").find("f32 scales"), std::string::npos);
  EXPECT_NE(message("static:affine:colour=red").find("unknown key"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
