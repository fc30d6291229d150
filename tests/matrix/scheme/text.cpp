#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

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
        "normal_float:bits=3,signed=1,group=32", "lookup:bits=3,group=128,levels=int8", "lookup",
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
                           "affine:bits=", "affine:bits=4 4", "affine:damping=nan", "affine:damping=inf",
                           "affine:percentile=1e999", "affine:bits=4;group=3", "affine:seed=-1",
                           "affine:seed=18446744073709551616", "affine:group=9223372036854775808",
                           "a_name_that_is_far_too_long_to_be_one"})
    EXPECT_NE(failure(text), "no error") << text;
  EXPECT_EQ(failure("affine:bits=4,"),
            "scheme \"affine:bits=4,\": expected KEY=VALUE behind ':' and every ',', found \"\"");
  EXPECT_NE(failure("affine:colour=red").find("unknown key \"colour\": expected one of bits, full"),
            std::string::npos);
}

// Catches blanks and capitals that make another scheme, or none.
TEST(scheme_text, blanks_and_the_case_of_names_do_not_matter) {
  const scheme expected = parse_scheme("affine:bits=4,group=128,range=mse");
  for (const char* text :
       {" affine : bits = 4 , group = 128 , range = mse ", "affine: bits=4, group=128, range=mse",
        "AFFINE:bits=4,group=128,range=mse", "Affine:\tbits=4,group=128,\n range=mse\n"})
    EXPECT_EQ(parse_scheme(text), expected) << text;
  EXPECT_EQ(parse_scheme("Q4_K"), parse_scheme("q4_k"));
  EXPECT_EQ(parse_scheme("NF4: double=256"), parse_scheme("nf4:double=256"));
  EXPECT_EQ(to_text(parse_scheme(" Q6_K : effort = best")), "q6_k:effort=best");
}

// Catches a name that is found unknown when it is used, hours later, and names that are known and refused.
TEST(scheme_text, names_are_checked_when_they_are_read) {
  for (const std::string_view name : detail::scheme_names()) {
    const scheme s = parse_scheme(name);
    EXPECT_EQ(s.grid.view(), name);
    EXPECT_EQ(to_text(s), name);
  }
  EXPECT_EQ(detail::scheme_names().size(), 49u);  // 19 grids, 30 ggml types, mxfp4 and nvfp4 among both
  EXPECT_NE(test::message_of<invalid_scheme>([] {
              parse_scheme("xyzzy");
            }).find("unknown name \"xyzzy\": expected one of symmetric, affine, nf4"),
            std::string::npos);
}

// Catches a suggestion that leads astray, or none where everyone sees what was meant: what other systems call
// it, ggml's mixtures, marks and case, slips. Every suggestion is a scheme itself.
TEST(scheme_text, near_misses_are_suggested) {
  const auto meant = [](const std::string& text) {
    const std::string message =
        test::message_of<invalid_scheme>([&] { static_cast<void>(parse_scheme(text)); });
    const std::size_t begin = message.find("did you mean ");
    if (begin == std::string::npos) return message;
    const std::string word = message.substr(begin + 13, message.find('?', begin) - begin - 13);
    if (text.find(':') == std::string::npos) parse_scheme(word);
    return word;
  };
  EXPECT_EQ(test::message_of<invalid_scheme>([] { parse_scheme("int4"); }).substr(0, 67),
            "scheme \"int4\": unknown name \"int4\": did you mean symmetric:bits=4? ");
  for (const auto& [text, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"int4", "symmetric:bits=4"},
           {"INT8", "symmetric:bits=8"},
           {"uint4", "affine:bits=4"},
           {"u8", "affine:bits=8"},
           {"4bit", "affine:bits=4"},
           {"4-bit", "affine:bits=4"},
           {"w4a16", "affine:bits=4,group=128"},
           {"W8A8", "symmetric:bits=8"},
           {"Q4_K_M", "q4_k"},
           {"q5_K_S", "q5_k"},
           {"Q3_K_XL", "q3_k"},
           {"q4k", "q4_k"},
           {"q4-0", "q4_0"},
           {"Q8", "q8_0"},
           {"iq4nl", "iq4_nl"},
           {"nf-4", "nf4"},
           {"NF_4", "nf4"},
           {"fp8", "fp8_e4m3"},
           {"float8_e4m3fn", "fp8_e4m3"},
           {"fp8-e5m2", "fp8_e5m2"},
           {"mxfp8", "mxfp8_e4m3"},
           {"mx_fp4", "mxfp4"},
           {"fp16", "f16"},
           {"bfloat16", "bf16"},
           {"gptq", "affine:bits=4,group=128,rounding=gptq"},
           {"AWQ", "affine:bits=4,group=128"},
           {"afine", "affine"},
           {"symetric", "symmetric"},
           {"asymmetric", "affine"},
           {"nvpf4", "nvfp4"},
           {"qlora", "nf4:double=256"},
           {"affine:bit=4", "bits"},
           {"affine:groupsize=32", "group"},
           {"affine:group_size=32", "group"},
           {"affine:gruop=32", "group"},
           {"affine:Bits=4", "bits"},
           {"affine:desc_act=1", "act_order"},
           {"affine:efort=best", "effort"},
           {"affine:range=min-max", "minmax"},
           {"affine:range=entropy", "kl"},
           {"affine:range=mean", "mse"},
           {"affine:range=percentil", "percentile"},
           {"affine:scale=fp16", "f16"},
           {"affine:scale=F16", "f16"},
           {"affine:rounding=GPTQ", "gptq"},
           {"affine:rounding=stochastc", "stochastic"},
           {"affine:group=channel", "row"},
           {"affine:group=Row", "row"},
           {"symmetric:full=true", "1"},
           {"affine:effort=normal", "default"},
           {"q4_k:effort=high", "best"}})
    EXPECT_EQ(meant(text), expected) << text;
  for (const char* text :
       {"xyzzy", "affine:colour=red", "affine:bits=12", "affine:range=q", "affine:effort=zzz"})
    EXPECT_EQ(meant(text).substr(0, 7), "scheme ") << text;
  EXPECT_LT(test::message_of<invalid_scheme>([] { parse_scheme(std::string(100000, 'q')); }).size(), 2000u);
}

}  // namespace
