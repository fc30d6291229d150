#include <bitgauge/packing/llm_awq.hpp>

#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

// Catches any slip in the order of inputs, halves, rows or tiles, and an unpacking that is no inverse.
TEST(llm_awq, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("packing", "llm_awq_pack_int16")) {
    const auto codes = test::load_matrix<std::uint8_t>("packing", entry["inputs"]["codes_out_in"]);
    const auto packed = packing::pack_llm_awq(codes);
    EXPECT_EQ(packed, test::load_matrix<std::int16_t>("packing", entry["outputs"]["packed"]));
    EXPECT_EQ(packing::unpack_llm_awq(packed), codes);
  }
}

// Catches a ragged shape writing past a tile.
TEST(llm_awq, refuses_ragged_shapes) {
  try {
    packing::pack_llm_awq(packing::code_matrix::Zero(4, 96));
    FAIL();
  } catch (const shape_error& failure) {
    EXPECT_STREQ(failure.what(), "llm-awq input features: expected a multiple of 64, found 96");
  }
  EXPECT_THROW(packing::pack_llm_awq(packing::code_matrix::Zero(6, 64)), shape_error);
  EXPECT_THROW(packing::pack_llm_awq(packing::code_matrix::Constant(4, 64, 16)), data_error);
  EXPECT_THROW(packing::unpack_llm_awq(packing::short_matrix::Zero(1, 32)), shape_error);
}

}  // namespace
