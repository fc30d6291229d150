#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/model/format.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using namespace bitgauge;
using kind = tensor_format::kind;

template <class Action>
std::string failure(const Action& action) {
  return test::message_of<invalid_scheme>(action);
}

// Catches a text that is read as another kind of format, and one that is written so that it is.
TEST(format, texts_come_back) {
  const auto check = [](std::string_view text, kind expected, std::string_view written) {
    const tensor_format f = parse_format(text);
    EXPECT_EQ(f.what(), expected) << text;
    EXPECT_EQ(to_text(f), written);
    EXPECT_EQ(parse_format(to_text(f)), f) << text;
  };
  check("affine: bits=4, group=128", kind::codes, "affine:bits=4,group=128");
  check("nf4", kind::codes, "nf4");
  check("Q4_K:effort=best", kind::blocks, "q4_k:effort=best");
  check("q4_0:rounding=gptq,damping=0.05", kind::blocks, "q4_0:rounding=gptq,damping=0.05");
  check("f16", kind::floats, "f16");
  check(" copy ", kind::copy, "copy");
  check("mxfp4", kind::codes, "mxfp4");
  check("ggml.mxfp4", kind::blocks, "ggml.mxfp4");
  check("ggml.q8_0", kind::blocks, "q8_0");
  for (const std::string_view name : detail::scheme_names()) {
    EXPECT_EQ(parse_format(to_text(parse_format(name))), parse_format(name)) << name;
    const tensor_format blocks = parse_format(name, shared_names::blocks);
    EXPECT_EQ(blocks.type().has_value(), detail::is_block_type_name(name)) << name;
    EXPECT_EQ(parse_format(to_text(blocks)), blocks) << name;
  }
}

// Catches an answer that a ggml type or floats have no use for and that is passed over, and a text that is
// no format.
TEST(format, refuses_what_has_no_effect) {
  EXPECT_NE(failure([] { parse_format("q4_k:group=32"); }), "no error");
  EXPECT_NE(failure([] { parse_format("f16:effort=best"); }), "no error");
  EXPECT_NE(failure([] { parse_format("affine:seed=3"); }), "no error");
  EXPECT_NE(failure([] { parse_format("affine:full=1"); }), "no error");
  EXPECT_NE(failure([] { parse_format("ggml.nf4"); }), "no error");
  EXPECT_NE(failure([] { parse_format("copy:bits=4"); }), "no error");
  EXPECT_EQ(failure([] { tensor_format f(gguf::tensor_type::i8); }),
            "format: expected a block type of ggml, f32, f16 or bf16, found i8");
}

// Catches a size that is not that of the format's definition.
TEST(format, stores_what_its_definition_says) {
  // 4-bit codes; a float and a 4-bit zero point for each of 64 x 2 groups
  EXPECT_EQ(storage_bytes(parse_format("affine:bits=4,group=128"), 64, 256), 64 * 128 + 128 * 4 + 128 / 2);
  // 16 levels of a float beside codes and scales
  EXPECT_EQ(storage_bytes(parse_format("nf4"), 3, 64), 3 * 32 + 3 * 4 + 16 * 4);
  EXPECT_EQ(storage_bytes(parse_format("q4_k"), 5, 512), 5 * 2 * 144);
  EXPECT_EQ(storage_bytes(parse_format("bf16"), 5, 7), 5 * 7 * 2);
  EXPECT_EQ(storage_bytes(gguf::tensor_type::q8_0, 2, 0), 0);
  EXPECT_DOUBLE_EQ(bits_per_weight(parse_format("q4_k"), 5, 512), 4.5);
  EXPECT_DOUBLE_EQ(bits_per_weight(parse_format("nf4"), 3, 64), 4.5);  // levels left out
  EXPECT_DOUBLE_EQ(bits_per_weight(parse_format("f16"), 0, 7), 0);
  EXPECT_NE(test::message_of<shape_error>([] { storage_bytes(parse_format("q4_k"), 5, 500); }), "no error");
  EXPECT_NE(failure([] { storage_bytes(tensor_format::copy(), 5, 500); }), "no error");
}

// Catches a fallback that forgets the effort, takes over groups of the type it stands for, or gives floats an
// effort.
TEST(format, another_type_keeps_effort_and_rounding) {
  const tensor_format f = parse_format("q4_k:effort=best,rounding=gptq,act_order=1");
  EXPECT_EQ(to_text(f.with_type(gguf::tensor_type::q4_0)), "q4_0:rounding=gptq,act_order=1,effort=best");
  EXPECT_EQ(to_text(f.with_type(gguf::tensor_type::f16)), "f16");
  EXPECT_EQ(to_text(parse_format("ggml.mxfp4").with_type(gguf::tensor_type::q8_0)), "q8_0");
  EXPECT_TRUE(f.feeds_back());
  EXPECT_FALSE(f.with_type(gguf::tensor_type::f16).feeds_back());
}

}  // namespace
