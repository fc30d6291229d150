#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "gguf/reference_cases.hpp"
#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

// Catches any wrong bit of any format's layout, table or order of operations, on any instruction set: floats
// of the reference, infinities and NaNs of overflowed scales among them.
TEST(decode_row, matches_the_reference_bit_for_bit) {
  const auto manifest = test::load_manifest("gguf");
  int seen = 0;
  for (const auto& entry : manifest["cases"]) {
    if (entry["op"] != "decode") continue;
    const std::string file = entry["bytes"];
    const auto bytes = test::load_npy<std::uint8_t>(test::vector_path("gguf", file));
    const auto* traits = gguf::find_tensor_type(std::string_view(entry["type"].get<std::string>()));
    ASSERT_NE(traits, nullptr) << file;
    for (const simd::instruction_set set : simd::available()) {
      const simd::scoped_instruction_set use(set);
      EXPECT_EQ(test::hash_of(test::decoded(traits->type, bytes.data)), entry["dequant_fnv1a64"])
          << file << " " << simd::name_of(set);
    }
    ++seen;
  }
  EXPECT_GE(seen, 26);
}

// Catches a byte swap or a wrong stride in the plain types, by hand.
TEST(decode_row, plain_types) {
  const std::vector<std::uint8_t> f32{0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0}, f16{0, 0x3e, 0, 0xc0},
      bf16{0xc0, 0x3f, 0, 0xc0};
  const std::vector<float> expected{1.5f, -2.0f};
  EXPECT_EQ(test::decoded(gguf::tensor_type::f32, f32), expected);
  EXPECT_EQ(test::decoded(gguf::tensor_type::f16, f16), expected);
  EXPECT_EQ(test::decoded(gguf::tensor_type::bf16, bf16), expected);
}

// Catches a ragged row that is cut short in silence.
TEST(decode_row, a_ragged_row_is_refused) {
  try {
    gguf::row_bytes(gguf::tensor_type::q4_k, 300);
    FAIL();
  } catch (const shape_error& failure) {
    EXPECT_EQ(std::string(failure.what()),
              "a row of type q4_K must be a multiple of its block of 256 elements, found 300 columns");
  }
  EXPECT_EQ(gguf::row_bytes(gguf::tensor_type::q4_k, 512), 288u);
  EXPECT_EQ(gguf::row_bytes(gguf::tensor_type::f16, 3), 6u);
}

}  // namespace
