#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

const Eigen::MatrixXf x = test::random_matrix(9, 37, 1);

/// Checks that a scheme gives the same bytes as a text, as a value and as a template argument; returns them.
template <scheme S>
quantized_matrix quantize_each_way() {
  const auto at_run_time = quantize(x, S);
  EXPECT_EQ(quantize<S>(x), at_run_time);
  EXPECT_EQ(quantize(x, parse_scheme(to_text(S))), at_run_time) << to_text(S);
  EXPECT_EQ(quantize(x, S, options{.threads = 2}), at_run_time);
  return at_run_time;
}

// Catches a field of a scheme that one of the ways ignores, or that stands for another answer than its
// name's.
TEST(scheme_recipe, run_time_and_compile_time_give_the_same_bytes) {
  EXPECT_EQ(quantize_each_way<scheme{}>(), quantize(x));
  EXPECT_EQ((quantize_each_way<scheme{.bits = 4, .groups = per_group{16}}>()),
            quantize(x, affine<4>{}, per_group{16}));
  EXPECT_EQ((quantize_each_way<scheme{
                 .grid = "symmetric", .bits = 3, .groups = per_column{}, .scales = f16_scales}>()),
            quantize(x, symmetric<3>{}, per_column{}, f16_scales));
  EXPECT_EQ(
      (quantize_each_way<scheme{.grid = "symmetric", .bits = 8, .full = true, .groups = per_tensor{}}>()),
      quantize(x, symmetric<8>{{.full = true}}, per_tensor{}));
  EXPECT_EQ((quantize_each_way<scheme{.grid = "symmetric", .unsigned_codes = true, .scales = bf16_scales}>()),
            quantize(x, symmetric<8>{{.unsigned_codes = true}}, bf16_scales));
  EXPECT_EQ((quantize_each_way<scheme{.grid = "symmetric", .torch = true}>()),
            quantize(x, symmetric<8>{{.torch = true}}));
  EXPECT_EQ((quantize_each_way<scheme{.bits = 5, .signed_codes = true}>()),
            quantize(x, affine<5>{{.signed_codes = true}}));
  EXPECT_EQ((quantize_each_way<scheme{.rounding = rounding_kind::stochastic, .seed = 42}>()),
            quantize(x, affine<8>{}, stochastic_rounding{42}));
  EXPECT_EQ((quantize_each_way<scheme{.grid = "symmetric", .bits = 1, .groups = per_group{8}}>()),
            quantize(x, symmetric<1>{}, per_group{8}));
}

// Catches a pair of scheme and grid of all widths that differ in any byte.
TEST(scheme_recipe, every_width) {
  for (int bits = 1; bits <= 8; ++bits) {
    EXPECT_EQ(quantize(x, scheme{.bits = bits}), quantize(x, make_affine(bits)));
    EXPECT_EQ(quantize(x, scheme{.grid = "symmetric", .bits = bits}), quantize(x, make_symmetric(bits)));
  }
}

TEST(scheme_recipe, refuses_what_it_does_not_know) {
  EXPECT_EQ(test::message_of<invalid_scheme>([] { quantize(x, scheme{.grid = "afine"}); }).substr(0, 61),
            "scheme: unknown name \"afine\": did you mean affine? Names are ");
  EXPECT_EQ(
      test::message_of<invalid_scheme>([] { quantize(x, parse_scheme("q4_k")); }),
      "scheme: q4_k is a ggml type, no grid: write quantize(W, gguf::tensor_type::q4_k), or quantize(W, "
      "\"q4_k\") with <bitgauge/model/quantize.hpp>");
  EXPECT_EQ(test::message_of<invalid_scheme>([] { quantize(x, scheme{.bits = 9}); }),
            "bits: expected 1 to 8, found 9");
  EXPECT_THROW(quantize(x, scheme{.groups = {granularity::kind::group, 0}}), invalid_scheme);
  const auto message = [](const char* text) {
    return test::message_of<invalid_scheme>([&] { quantize(x, parse_scheme(text)); });
  };
  EXPECT_EQ(message("affine:full=1"), "scheme: full: affine has no such option, found full=1");
  EXPECT_EQ(message("symmetric:signed=1"), "scheme: signed: symmetric has no such option, found signed=1");
  EXPECT_EQ(message("nf4:torch=1"), "scheme: torch: nf4 has no such option, found torch=1");
  EXPECT_EQ(message("nf4:bits=3"), "scheme: bits: nf4 has 4, found 3");
  EXPECT_EQ(message("nf4:bits=4"), "no error");
  EXPECT_EQ(message("normal_float:bits=7"), "normal_float: bits: expected 2 to 6, found 7");
  EXPECT_NE(message("normal_float:signed=1,group=row").find("expected group=N"), std::string::npos);
  EXPECT_NE(message("normal_float:signed=1,scale=e8m0").find("expected f32, f16 or bf16"), std::string::npos);
  EXPECT_NE(message("normal_float:signed=1,double=256").find("expected f32, f16 or bf16"), std::string::npos);
  EXPECT_NE(message("lookup:rounding=gptq").find("no error feedback takes"), std::string::npos);
}

// Catches a field that is ignored in silence: each that has no effect beside the others is named, together
// with what to write, before a matrix is looked at; and the same field is taken where it has one.
TEST(scheme_recipe, fields_without_effect_are_refused) {
  const auto failure = [&](const char* text) {
    const scheme s = parse_scheme(text);
    const std::string planned = test::message_of<invalid_scheme>([&] { layout_of(s, 9, 37); });
    EXPECT_EQ(planned, test::message_of<invalid_scheme>([&] { quantize(x, s); }));
    return planned;
  };
  EXPECT_EQ(failure("affine:effort=best"),
            "scheme \"affine:effort=best\": effort has no effect: leave it out, or write range=mse or "
            "rounding=gptq");
  EXPECT_EQ(failure("affine:range=kl,effort=fast").substr(0, 58),
            "scheme \"affine:range=kl,effort=fast\": effort has no effect");
  EXPECT_NE(failure("affine:seed=3").find("seed has no effect"), std::string::npos);
  EXPECT_NE(failure("affine:percentile=99").find("percentile has no effect"), std::string::npos);
  EXPECT_NE(failure("affine:act_order=1").find("act_order has no effect"), std::string::npos);
  EXPECT_NE(failure("affine:damping=0.1").find("damping has no effect"), std::string::npos);
  EXPECT_NE(failure("nf4:scale=f16,double=256").find("scale has no effect: double says how"),
            std::string::npos);
  EXPECT_NE(failure("affine:levels=int8").find("levels has no effect"), std::string::npos);
  for (const char* text :
       {"affine:range=mse,effort=best", "lookup:levels=int8", "affine:rounding=stochastic,seed=3",
        "affine:range=percentile,percentile=99", "nf4:double=256", "mxfp4"})
    EXPECT_EQ(failure(text), "no error");
  const importance weights(std::vector<float>(37, 1.0f));
  EXPECT_EQ(
      test::message_of<invalid_scheme>([&] { quantize(x, scheme{}, weights); }),
      "scheme \"affine\": an importance has no effect: leave it out, or write a range that weighs errors, "
      "such as range=mse");
  quantize(x, scheme{}, importance{});
  quantize(x, scheme{.range = range_kind::mse}, weights);
  quantize(x, parse_scheme("lookup"), weights);
}

}  // namespace
