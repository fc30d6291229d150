#include <bitgauge/packing/awq.hpp>

#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using test::message_of;

// Catches a wrong nibble order, and an unpacking that is no inverse.
TEST(awq, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("packing", "awq_pack")) {
    const auto codes = test::load_matrix<std::uint8_t>("packing", entry["inputs"]["codes_in_out"]);
    const auto packed = packing::pack_nibbles(codes);
    EXPECT_EQ(packed, test::load_matrix<std::int32_t>("packing", entry["outputs"]["packed"]));
    EXPECT_EQ(packing::unpack_nibbles(packed), codes);
    const auto plain = packing::pack_nibbles(codes, packing::plain_order);
    EXPECT_EQ(plain, test::load_matrix<std::int32_t>("packing", entry["outputs"]["packed_plain_order"]));
    EXPECT_EQ(packing::unpack_nibbles(plain, packing::plain_order), codes);
  }
}

packing::grouped_codes layer() {
  packing::grouped_codes weights{4, packing::code_matrix(16, 10), packing::code_matrix(16, 3),
                                 packing::float_matrix(16, 3), packing::consecutive_groups(10, 4)};
  for (bitgauge::index_t o = 0; o < 16; ++o) {
    for (bitgauge::index_t i = 0; i < 10; ++i)
      weights.codes(o, i) = static_cast<std::uint8_t>((o * 7 + i * 5) % 16);
    for (bitgauge::index_t g = 0; g < 3; ++g) {
      weights.zero_points(o, g) = static_cast<std::uint8_t>((o + g) % 16);
      weights.scales(o, g) = static_cast<float>(o + 1) / static_cast<float>(g + 2);
    }
  }
  return weights;
}

// Catches outputs and inputs, or groups, changing places: one known code is followed to its bits by hand.
TEST(awq, packs_a_layer) {
  const auto weights = layer();
  const auto tensors = packing::pack_awq(weights, 4);
  // output 11 = 8 * 1 + 3 is nibble 5 (order 0 2 4 6 1 3) of word 1
  EXPECT_EQ((tensors.qweight(9, 1) >> 20) & 15, (11 * 7 + 9 * 5) % 16);
  EXPECT_EQ((tensors.qzeros(2, 1) >> 20) & 15, 13);
  EXPECT_EQ(tensors.scales(2, 11), 3.0f);
  const auto back = packing::unpack_awq(tensors);
  EXPECT_EQ(back.codes, weights.codes);
  EXPECT_EQ(back.zero_points, weights.zero_points);
  EXPECT_EQ(back.scales, weights.scales);
  EXPECT_EQ(back.group_of_input, weights.group_of_input);
  EXPECT_EQ(back.dequantize()(11, 9), 3.0f * static_cast<float>((11 * 7 + 9 * 5) % 16 - 13));
}

// Catches reordered groups being written where the format has no place for their order, and wrong shapes.
TEST(awq, refuses_what_does_not_fit) {
  auto weights = layer();
  weights.group_of_input[0] = 1;
  EXPECT_EQ(message_of<invalid_scheme>([&] { packing::pack_awq(weights, 4); }),
            "AWQ groups: expected consecutive groups of 4 inputs, found another order");
  weights = layer();
  weights.bits = 8;
  EXPECT_EQ(message_of<invalid_scheme>([&] { packing::pack_awq(weights, 4); }),
            "AWQ bits: expected 4, found 8");
  auto tensors = packing::pack_awq(layer(), 4);
  tensors.group_size = 5;
  EXPECT_EQ(message_of<shape_error>([&] { packing::unpack_awq(tensors); }),
            "qzeros: expected 2 x 2, found 3 x 2");
  tensors.group_size = 0;
  EXPECT_EQ(message_of<invalid_scheme>([&] { packing::unpack_awq(tensors); }),
            "group size: expected at least 1, found 0");
  EXPECT_EQ(message_of<shape_error>([] { packing::pack_nibbles(packing::code_matrix::Zero(1, 9)); }),
            "AWQ output features: expected a multiple of 8, found 9");
}

}  // namespace
