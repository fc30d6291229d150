#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/range/given.hpp>

#include "support/codes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// Small examples whose results can be checked by hand.
namespace {

using namespace bitgauge;
using bitgauge::index_t;
using codes = std::vector<int>;

Eigen::VectorXf vector(std::initializer_list<float> values) {
  return Eigen::Map<const Eigen::VectorXf>(values.begin(), static_cast<index_t>(values.size()));
}

// Catches another step than absmax / 127 or another rounding than to nearest.
TEST(worked_examples, absmax_int8) {
  const auto q = quantize(vector({-4.57f, 3.08f, 5.47f, -1.95f, 10.8f}), symmetric<8>{});
  EXPECT_EQ(test::code_list(q), (codes{-54, 36, 64, -23, 127}));
  EXPECT_EQ(q.scale(0), 10.8f / 127);
  EXPECT_EQ(q.zero_point(0), 0);
  const auto close = quantize(vector({3.02f, 3.08f, 10.8f}), symmetric<8>{});
  EXPECT_EQ(test::code_list(close), (codes{36, 36, 127}));
}

// Catches a zero point that is off by one or of the wrong sign.
TEST(worked_examples, affine_int8) {
  const auto q = quantize(vector({-7.59f, 10.8f}), affine<8>{{.signed_codes = true}});
  EXPECT_NEAR(1 / q.scale(0), 13.8662, 5e-5);
  EXPECT_EQ(q.zero_point(0), -23);
  EXPECT_EQ(test::code_list(q), (codes{-128, 127}));
}

// Catches an equation other than r = s (q - z).
TEST(worked_examples, dequantizing_one_code) {
  const auto q = quantize(vector({20}), affine<8>{}, given_parameters({2}, {0}));
  EXPECT_EQ(q.code(0, 0), 10);
  EXPECT_EQ(q.dequantize()(0, 0), 20);
}

TEST(worked_examples, scale_of_a_range) {
  const auto ten = quantize(vector({0}), symmetric<8>{}, fixed_range{{-10, 10}});
  EXPECT_NEAR(ten.scale(0), 0.0787, 5e-5);
  EXPECT_EQ(ten.scale(0), 10.0f / 127);
  const auto twenty = quantize(vector({-20, 20}), affine<8>{});
  EXPECT_NEAR(twenty.scale(0), 0.15686, 5e-6);
  EXPECT_EQ(twenty.zero_point(0), 128);
}

// Catches a clip that changes what lies inside, or values outside that wrap.
TEST(worked_examples, an_outlier_and_its_clipping) {
  const auto x = vector({-4.57f, -0.195f, 3.08f, 5.47f, 55.48f, 256});
  EXPECT_EQ(test::code_list(quantize(x, symmetric<8>{}, absmax_range{})), (codes{-2, 0, 2, 3, 28, 127}));
  EXPECT_EQ(test::code_list(quantize(x, symmetric<8>{}, fixed_range{{-6, 6}})),
            (codes{-97, -4, 65, 116, 127, 127}));
}

// Catches any affine scheme in which zero is not exact: ranges that exclude it, stored scales that were
// rounded after the zero point, zero points out of reach.
TEST(worked_examples, zero_is_exact_in_every_affine_scheme) {
  const Eigen::Matrix3f mixed{{-3, 0, 5}, {0, 1e-6f, 0}, {7, 0, -0.01f}};
  const Eigen::Matrix3f positive{{3, 0, 5}, {2, 4, 0}, {7, 0, 0.01f}};
  const Eigen::Matrix3f zeros = Eigen::Matrix3f::Zero();
  for (int bits = 1; bits <= 8; ++bits)
    for (const affine_options options : {affine_options{},
                                         {.signed_codes = true},
                                         {.signed_codes = true, .restricted = true},
                                         {.torch = true},
                                         {.signed_codes = true, .torch = true}})
      for (const granularity groups : {granularity(per_tensor{}), granularity(per_row{}),
                                       granularity(per_column{}), granularity(per_group{2})})
        for (const scale_storage storage : {f32_scales, f16_scales, bf16_scales})
          for (const Eigen::Matrix3f& x : {mixed, positive, Eigen::Matrix3f(-positive), zeros}) {
            const auto q = quantize(x, make_affine(bits, options), groups, storage);
            const Eigen::MatrixXf back = q.dequantize();
            for (index_t i = 0; i < 9; ++i)
              if (x(i) == 0) {
                EXPECT_EQ(back(i), 0) << bits << " bits, element " << i;
              }
          }
}

TEST(worked_examples, packing_two_bits) {
  const std::vector<std::uint8_t> fields{1, 0, 3, 2};
  std::uint8_t packed = 0;
  packing::pack_dense(fields.data(), 4, 2, &packed);
  EXPECT_EQ(packed, 177);
}

// Catches scales or padding left out of the count.
TEST(worked_examples, bits_per_weight) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(8, 64);
  EXPECT_EQ(quantize(x, symmetric<4>{}, per_group{32}, f16_scales).bits_per_weight(), 4.5);
}

TEST(worked_examples, memory_of_seventy_billion_parameters) {
  EXPECT_EQ(estimate_memory(70e9, 64).gigabytes(), 560);
  EXPECT_EQ(estimate_memory(70e9, 32).gigabytes(), 280);
  EXPECT_EQ(estimate_memory(70e9, 16).gigabytes(), 140);
  EXPECT_EQ(estimate_memory(70e9, 4.5).gigabytes(), 39.375);
}

// Catches a wrong exponent bias.
TEST(worked_examples, half_exponent_field) {
  EXPECT_EQ(numeric::half_to_float(0b0'00100'0000000000), 0x1p-11f);
}

}  // namespace
