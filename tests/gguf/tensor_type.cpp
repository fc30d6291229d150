#include <bitgauge/gguf/tensor_type.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace {

namespace gguf = bitgauge::gguf;

static_assert(gguf::find_tensor_type("Q4_k")->type == gguf::tensor_type::q4_k);
static_assert(gguf::traits_of(gguf::tensor_type::q4_k).bits_per_weight() == 4.5);

// Catches a slip in ggml's numbers or block sizes. The numbers are those of a listing made by ggml itself.
TEST(tensor_type, agrees_with_ggml) {
  const struct {
    const char* name;
    std::uint32_t id, elements, bytes;
  } listed[] = {
      {"f32", 0, 1, 4},       {"f16", 1, 1, 2},       {"bf16", 30, 1, 2},       {"q4_0", 2, 32, 18},
      {"q5_1", 7, 32, 24},    {"q8_0", 8, 32, 34},    {"q2_K", 10, 256, 84},    {"q4_K", 12, 256, 144},
      {"q6_K", 14, 256, 210}, {"iq4_nl", 20, 32, 18}, {"iq4_xs", 23, 256, 136}, {"mxfp4", 39, 32, 17},
      {"tq2_0", 35, 256, 66}, {"i32", 26, 1, 4},      {"i8", 24, 1, 1},         {"f64", 28, 1, 8}};
  for (const auto& expected : listed) {
    const auto* found = gguf::find_tensor_type(expected.id);
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->name, expected.name);
    EXPECT_EQ(found->elements, expected.elements);
    EXPECT_EQ(found->bytes, expected.bytes);
  }
}

// Catches an entry that was repeated or left out of order, or a name that a search cannot find.
TEST(tensor_type, lists_every_type_once) {
  std::set<std::uint32_t> ids;
  for (const auto& entry : gguf::tensor_types) {
    EXPECT_TRUE(ids.insert(static_cast<std::uint32_t>(entry.type)).second) << entry.name;
    EXPECT_EQ(gguf::find_tensor_type(entry.name), &entry);
    EXPECT_EQ(&gguf::traits_of(entry.type), &entry);
    EXPECT_EQ(entry.is_quantized(), entry.elements > 1);
  }
}

// Catches a withdrawn number or a prefix of a name being taken for a type.
TEST(tensor_type, refuses_what_is_no_type) {
  for (const std::uint32_t id : {4u, 5u, 31u, 36u, 43u, 0xffffffffu}) {
    EXPECT_EQ(gguf::find_tensor_type(id), nullptr) << id;
  }
  EXPECT_EQ(gguf::find_tensor_type("q4"), nullptr);
  EXPECT_EQ(gguf::find_tensor_type(""), nullptr);
  try {
    static_cast<void>(gguf::traits_of(gguf::tensor_type{31}));
    FAIL() << "31 was withdrawn";
  } catch (const bitgauge::invalid_scheme& failure) {
    EXPECT_STREQ(failure.what(), "no ggml tensor type has the number 31");
  }
}

}  // namespace
