#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/range/mse.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <string>

namespace {

using namespace bitgauge;

const Eigen::MatrixXf w = test::random_matrix(8, 256, 3);

static_assert(row_decodable<any_quantized>);

// Catches a text that gives something else than the typed call, and a held matrix that answers otherwise
// through any_quantized.
TEST(quantize, gives_what_the_typed_call_gives) {
  hessian h(256);
  h.accumulate(test::random_matrix(64, 256, 4));
  const importance weights(w.row(0).cwiseAbs2().array() + 0.1f);
  const Eigen::VectorXf x = Eigen::VectorXf::Ones(256);
  const auto check = [&](const any_quantized& q, const auto& expected) {
    EXPECT_EQ(q, any_quantized(expected));
    ASSERT_NE(q.get_if<std::decay_t<decltype(expected)>>(), nullptr);
    EXPECT_EQ(*q.get_if<std::decay_t<decltype(expected)>>(), expected);
    EXPECT_EQ(q.rows(), 8);
    EXPECT_EQ(q.cols(), 256);
    EXPECT_EQ(q.bits_per_weight(), expected.bits_per_weight());
    EXPECT_EQ(q.dequantize(), expected.dequantize());
    EXPECT_EQ(q * x, expected * x);
    EXPECT_EQ(measure_error(w, q).mse(), measure_error(w, expected).mse());
    EXPECT_EQ(testing::PrintToString(q), testing::PrintToString(expected));
  };
  check(quantize(w, "affine:bits=4, group=128"), quantize(w, affine<4>{}, per_group{128}));
  check(quantize(w, std::string("nf4:range=mse"), weights, options{.threads = 1}),
        quantize(w, nf4{}, per_group{64}, mse_range{}, weights));
  check(quantize(w, "affine:bits=4,group=64,rounding=gptq", h),
        quantize(w, affine<4>{}, per_group{64}, gptq(h)));
  check(quantize(w, "affine:bits=4,group=64,rounding=gptq", {.hessian = &h}, options{.threads = 1}),
        quantize(w, affine<4>{}, per_group{64}, gptq(h)));
  check(quantize(w, "Q4_0: effort=fast"), quantize(w, gguf::q4_0{}, effort::fast));
  check(quantize(w, "q4_0", weights), quantize(w, gguf::q4_0{}, weights));
  check(quantize(w, "q4_0:rounding=gptq,damping=0.05", h),
        quantize(w, gguf::q4_0{}, gptq(h, {.damping = 0.05f})));
  check(quantize(w, "f16"), quantize(w, gguf::tensor_type::f16));
  check(quantize(w, parse_format("q4_0:rounding=gptq"), {.hessian = &h}), quantize(w, gguf::q4_0{}, gptq(h)));
  check(quantize(w, tensor_format(gguf::tensor_type::q4_0), weights), quantize(w, gguf::q4_0{}, weights));
  check(quantize(w, "ggml.mxfp4"), quantize(w, gguf::mxfp4{}));
  check(quantize(w, "mxfp4"), quantize(w, named_scheme("mxfp4")));
}

// Catches a name that a text may have and that nothing can be made of, and keys that blocks ignore.
TEST(quantize, every_name_works_and_every_key_counts) {
  for (const std::string_view name : detail::scheme_names()) {
    const any_quantized q = quantize(w.topRows(1), name);
    EXPECT_EQ(q.get_if<quantized_matrix>() != nullptr, is_grid_name(name)) << name;
    EXPECT_LT(measure_error(w.topRows(1), q).nmse(), 1) << name;
  }
  const auto failure = [](const char* text, const auto&... extras) {
    return test::message_of<invalid_scheme>([&] { quantize(w, text, extras...); });
  };
  EXPECT_EQ(failure("q4_k:group=32"),
            "scheme \"q4_k:group=32\": a ggml type takes effort, and rounding=gptq with what belongs to it; "
            "the rest "
            "is the type's own");
  EXPECT_NE(failure("q4_k:rounding=gptq,range=mse"), "no error");
  EXPECT_NE(failure("q4_k:damping=0.5"), "no error");
  EXPECT_NE(failure("copy"), "no error");
  EXPECT_EQ(failure("f16:effort=best"), "scheme \"f16:effort=best\": floats take no keys");
  EXPECT_EQ(failure("q4_k:rounding=gptq"),
            "scheme: rounding=gptq: expected calibration data, found none: pass a hessian");
  hessian h(256);
  EXPECT_EQ(failure("q4_k", h),
            "scheme \"q4_k\": a Hessian has no effect: leave it out, or write rounding=gptq");
  EXPECT_EQ(failure("int4").substr(0, 66),
            "scheme \"int4\": unknown name \"int4\": did you mean symmetric:bits=4?");
}

// README's lines.
TEST(quantize, readme) {
  const Eigen::MatrixXf& W = w;
  const bitgauge::any_quantized q =
      bitgauge::quantize(W, "q4_0: effort=best");  // or "affine: bits=4, group=128"
  std::cout << q << '\n';                          // block_matrix 8 x 256: q4_0, 4.5 bits per weight
  EXPECT_NE(q.get_if<bitgauge::gguf::block_matrix>(), nullptr);
  EXPECT_EQ(testing::PrintToString(q), "block_matrix 8 x 256: q4_0, 4.5 bits per weight");
}

}  // namespace
