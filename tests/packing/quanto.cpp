#include <bitgauge/packing/quanto.hpp>

#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

// Catches slabs in the wrong order or of the wrong height, the padding of odd heights included.
TEST(quanto, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("packing", "quanto_pack")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const int bits = entry["params"]["bits"].get<int>();
    const auto codes = test::load_matrix<std::uint8_t>("packing", entry["inputs"]["codes"]);
    const auto packed = packing::pack_quanto(codes, bits);
    EXPECT_EQ(packed, test::load_matrix<std::uint8_t>("packing", entry["outputs"]["packed"]));
    EXPECT_EQ(packing::unpack_quanto(packed, bits, codes.rows()), codes);
  }
}

// Catches damaged padding, or a wrong number of rows, being read without a word.
TEST(quanto, refuses_what_is_no_packing) {
  packing::code_matrix packed = packing::pack_quanto(packing::code_matrix::Ones(5, 2), 2);
  packed(1, 1) |= 0xc0;
  try {
    packing::unpack_quanto(packed, 2, 5);
    FAIL();
  } catch (const data_error& failure) {
    EXPECT_STREQ(failure.what(),
                 "packed codes at row 1, column 1: expected zeros in the padding, found other bits");
  }
  EXPECT_THROW(packing::unpack_quanto(packed, 2, 9), shape_error);
  EXPECT_THROW(packing::pack_quanto(packed, 3), invalid_scheme);
  EXPECT_THROW(packing::pack_quanto(packing::code_matrix::Constant(4, 1, 4), 2), data_error);
}

}  // namespace
