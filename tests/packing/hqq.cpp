#include <bitgauge/packing/hqq.hpp>

#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

// Catches slabs in the wrong order, and 3 bits packed other than ten to a word.
TEST(hqq, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("packing", "hqq_pack")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const int bits = entry["params"]["bits"].get<int>();
    const auto codes = test::load_matrix<std::uint8_t>("packing", entry["inputs"]["codes"]);
    const auto& file = entry["outputs"]["packed"];
    if (bits == 3) {
      const auto packed = packing::pack_hqq_3bit(codes);
      EXPECT_EQ(packed, test::load_matrix<std::int32_t>("packing", file));
      EXPECT_EQ(packing::unpack_hqq_3bit(packed, codes.rows()), codes);
    } else {
      const auto packed = packing::pack_hqq(codes, bits);
      EXPECT_EQ(packed, test::load_matrix<std::uint8_t>("packing", file));
      EXPECT_EQ(packing::unpack_hqq(packed, bits), codes);
    }
  }
}

// Catches 8 bits being changed, and damage in the two unused bits of a 3-bit word or in its padding being
// lost.
TEST(hqq, edges) {
  const packing::code_matrix bytes = packing::code_matrix::Constant(3, 2, 0xab);
  EXPECT_EQ(packing::pack_hqq(bytes, 8), bytes);
  EXPECT_EQ(packing::unpack_hqq(bytes, 8), bytes);

  packing::word_matrix words = packing::pack_hqq_3bit(packing::code_matrix::Constant(12, 1, 7));
  EXPECT_EQ(packing::unpack_hqq_3bit(words, 12), packing::code_matrix::Constant(12, 1, 7));
  words(0, 0) |= 1 << 30;
  EXPECT_THROW(packing::unpack_hqq_3bit(words, 12), data_error);
  words(0, 0) ^= (1 << 30) | 1;
  EXPECT_THROW(packing::unpack_hqq_3bit(words, 12), data_error);

  EXPECT_THROW(packing::pack_hqq(packing::code_matrix::Zero(3, 1), 4), shape_error);
  EXPECT_THROW(packing::pack_hqq(packing::code_matrix::Zero(8, 1), 3), invalid_scheme);
}

}  // namespace
