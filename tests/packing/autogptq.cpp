#include <bitgauge/packing/autogptq.hpp>

#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using packing::grouped_codes;
using test::message_of;

grouped_codes load_case(const nlohmann::json& entry) {
  const auto& inputs = entry["inputs"];
  return {
      entry["params"]["bits"].get<int>(), test::load_matrix<std::uint8_t>("packing", inputs["codes_out_in"]),
      test::load_matrix<std::uint8_t>("packing", inputs["zeros_out_group"]),
      test::load_matrix<float>("packing", inputs["scales_out_group"]),
      test::load_npy<std::int32_t>(test::vector_path("packing", inputs["g_idx"].get<std::string>())).data};
}

grouped_codes small_layer(int bits) {
  grouped_codes weights{bits, packing::code_matrix::Ones(32, 64), packing::code_matrix::Ones(32, 2),
                        packing::float_matrix::Ones(32, 2), packing::consecutive_groups(64, 32)};
  return weights;
}

// Catches any wrong bit of AutoGPTQ's own packing, the straddling codes of 3 bits included, a wrong pairing
// of inputs and groups, and an unpacking that is no inverse.
TEST(autogptq, agrees_with_the_reference) {
  const auto cases = test::cases_of("packing", "gptq_pack");
  for (const auto& entry : cases) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto weights = load_case(entry);
    const auto& outputs = entry["outputs"];
    const auto tensors = packing::pack_autogptq(weights);
    EXPECT_EQ(tensors.qweight, test::load_matrix<std::int32_t>("packing", outputs["qweight"]));
    EXPECT_EQ(tensors.qzeros, test::load_matrix<std::int32_t>("packing", outputs["qzeros"]));
    EXPECT_EQ(tensors.scales, test::load_matrix<float>("packing", outputs["scales"]));
    EXPECT_EQ(weights.dequantize(), test::load_matrix<float>("packing", outputs["dequant_out_in"]));

    const auto back = packing::unpack_autogptq(tensors);
    EXPECT_EQ(back.codes, weights.codes);
    EXPECT_EQ(back.zero_points, weights.zero_points);
    EXPECT_EQ(back.scales, weights.scales);
    EXPECT_EQ(back.group_of_input, weights.group_of_input);
  }
}

// Catches version 2 storing zero - 1, or version 1 losing a zero point of 0, which wraps to all ones and
// back.
TEST(autogptq, zero_points_of_both_versions) {
  for (const int bits : {2, 3, 4, 8}) {
    auto weights = small_layer(bits);
    weights.zero_points(0, 0) = 0;
    weights.zero_points(31, 1) = static_cast<std::uint8_t>((1 << bits) - 1);
    const auto v1 = packing::pack_autogptq(weights, packing::zero_storage::minus_one);
    const auto v2 = packing::pack_autogptq(weights, packing::zero_storage::plain);
    const std::int32_t mask = (1 << bits) - 1;
    EXPECT_EQ(v1.qzeros(0, 0) & mask, mask);
    EXPECT_EQ(v2.qzeros(0, 0) & mask, 0);
    EXPECT_EQ((v1.qzeros(0, 0) >> bits) & mask, 0);
    EXPECT_EQ((v2.qzeros(0, 0) >> bits) & mask, 1);
    EXPECT_EQ(packing::unpack_autogptq(v1).zero_points, weights.zero_points);
    EXPECT_EQ(packing::unpack_autogptq(v2).zero_points, weights.zero_points);
  }
}

// Catches a layer being written or read that no other program could read back.
TEST(autogptq, refuses_what_does_not_fit) {
  EXPECT_EQ(message_of<invalid_scheme>([] { packing::pack_autogptq(small_layer(5)); }),
            "AutoGPTQ bits: expected 2, 3, 4 or 8, found 5");
  auto weights = small_layer(3);
  weights.codes.conservativeResize(32, 40);
  weights.group_of_input.resize(40);
  EXPECT_EQ(message_of<shape_error>([&] { packing::pack_autogptq(weights); }),
            "AutoGPTQ input features: expected a multiple of 32, found 40");
  weights = small_layer(4);
  weights.codes(2, 7) = 16;
  EXPECT_EQ(message_of<data_error>([&] { packing::pack_autogptq(weights); }),
            "code at row 2, column 7: expected below 16, found 16");
  weights = small_layer(4);
  weights.group_of_input[5] = 2;
  EXPECT_EQ(message_of<data_error>([&] { packing::pack_autogptq(weights); }),
            "group index of column 5: expected below 2, found 2");
  auto tensors = packing::pack_autogptq(small_layer(4));
  tensors.bits = 8;
  EXPECT_EQ(message_of<shape_error>([&] { packing::unpack_autogptq(tensors); }),
            "qweight: expected 16 x 32, found 8 x 32");
  tensors = packing::pack_autogptq(small_layer(4));
  tensors.g_idx[63] = -1;
  EXPECT_EQ(message_of<data_error>([&] { packing::unpack_autogptq(tensors); }),
            "group index of column 63: expected below 2, found -1");
}

}  // namespace
