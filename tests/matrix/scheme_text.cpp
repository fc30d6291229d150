#include <bitgauge/matrix/scheme_text.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

// Catches a key that sets another field, or a value that is read as another.
TEST(scheme_text, reads_every_key) {
  EXPECT_EQ(parse_scheme("affine"), scheme{});
  EXPECT_EQ(parse_scheme("affine:bits=4,group=128"), (scheme{.bits = 4, .groups = per_group{128}}));
  EXPECT_EQ(
      parse_scheme("symmetric:bits=3,full=1,group=tensor,scale=f16"),
      (scheme{.grid = "symmetric", .bits = 3, .full = true, .groups = per_tensor{}, .scales = f16_scales}));
  EXPECT_EQ(parse_scheme("affine:group=column,scale=bf16,signed=1"),
            (scheme{.signed_codes = true, .groups = per_column{}, .scales = bf16_scales}));
  EXPECT_EQ(parse_scheme("affine:range=percentile,percentile=99.99"),
            (scheme{.range = range_kind::percentile, .percentile = 99.99f}));
  EXPECT_EQ(parse_scheme("affine:rounding=gptq,act_order=1,damping=0.05"),
            (scheme{.rounding = rounding_kind::gptq, .act_order = true, .damping = 0.05f}));
  EXPECT_EQ(parse_scheme("affine:rounding=gptq,static_groups=1"),
            (scheme{.rounding = rounding_kind::gptq, .static_groups = true}));
  EXPECT_EQ(parse_scheme("affine:rounding=gptq,static_groups=0"), (scheme{.rounding = rounding_kind::gptq}));
  EXPECT_EQ(parse_scheme("affine:rounding=stochastic,seed=18446744073709551615"),
            (scheme{.rounding = rounding_kind::stochastic, .seed = ~std::uint64_t{0}}));
  EXPECT_EQ(parse_scheme("nf4:group=64,double=256"),
            (scheme{.grid = "nf4", .groups = per_group{64}, .double_block = 256}));
}

// Catches a text that does not come back as the same scheme.
TEST(scheme_text, writes_what_it_reads) {
  for (const char* text :
       {"affine", "affine:bits=4,group=128", "symmetric:bits=3,full=1,group=tensor,scale=f16",
        "affine:signed=1,group=column,range=mse,scale=bf16", "symmetric:unsigned=1,torch=1",
        "affine:range=percentile,percentile=99.99", "affine:rounding=gptq,act_order=1,damping=0.05",
        "affine:rounding=gptq,act_order=1,static_groups=1,damping=0.05", "affine:rounding=stochastic,seed=7",
        "nf4:double=256", "nf4:group=row", "mxfp4", "nvfp4:group=32,scale=f16",
        "fp8_e4m3:group=128,scale=e8m0"}) {
    EXPECT_EQ(to_text(parse_scheme(text)), text);
    EXPECT_EQ(parse_scheme(to_text(parse_scheme(text))), parse_scheme(text));
  }
}

// Catches a wrong text that is taken for something else, and a message that does not say what is allowed.
TEST(scheme_text, wrong_texts_name_what_is_allowed) {
  const auto failure = [](const char* text) {
    return test::message_of<invalid_scheme>([&] { static_cast<void>(parse_scheme(text)); });
  };
  EXPECT_EQ(failure("affine:bits=9"), "scheme \"affine:bits=9\": bits: expected 1 to 8, found \"9\"");
  EXPECT_EQ(failure("affine:bits=4x"), "scheme \"affine:bits=4x\": bits: expected 1 to 8, found \"4x\"");
  EXPECT_EQ(
      failure("affine:group=0"),
      "scheme \"affine:group=0\": group: expected row|column|tensor or a number from 1 up, found \"0\"");
  EXPECT_EQ(
      failure("affine:scale=f64"),
      "scheme \"affine:scale=f64\": scale: expected f32|f16|bf16|e8m0|e4m3|e4m3_divided, found \"f64\"");
  EXPECT_EQ(failure("affine:static_groups=2"),
            "scheme \"affine:static_groups=2\": static_groups: expected 0|1, found \"2\"");
  EXPECT_EQ(failure("affine:bits"), "scheme \"affine:bits\": bits: expected bits=1 to 8");
  EXPECT_EQ(failure("affine:bits=4,bits=4"), "scheme \"affine:bits=4,bits=4\": bits: given twice");
  EXPECT_EQ(failure("affine:group=-1").substr(0, 41), "scheme \"affine:group=-1\": group: expected");
  for (const char* text : {"", ":", ":bits=4", "affine:", "affine:,", "affine:bits=4,", "affine:=4",
                           "affine:bits=", "affine:bits =4", "affine:damping=nan", "affine:damping=inf",
                           "affine:percentile=1e999", "affine:bits=4;group=3", "affine:seed=-1",
                           "affine:seed=18446744073709551616", "affine:group=9223372036854775808",
                           "a_name_that_is_far_too_long_to_be_one"})
    EXPECT_NE(failure(text), "no error") << text;
  EXPECT_NE(failure("affine:colour=red").find("unknown key \"colour\": expected one of bits, full"),
            std::string::npos);
}

}  // namespace
