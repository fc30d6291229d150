/// The numbers that README explains scale and zero point with; readme.sh holds the code to be the same there
/// and here.

#include <bitgauge/bitgauge.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace {

std::vector<int> codes_of(const bitgauge::quantized_matrix& q) {
  std::vector<int> codes;
  for (bitgauge::index_t i = 0; i < q.cols(); ++i) codes.push_back(q.code(0, i));
  return codes;
}

TEST(scale_and_zero_point, a_symmetric_grid_needs_a_scale_alone) {
  const Eigen::RowVectorXf x{{-4.57f, 3.08f, 5.47f, -1.95f, 10.8f}};
  const auto q = bitgauge::quantize(x, bitgauge::symmetric<8>{});
  const float scale = q.scale(0);           // 10.8 / 127 = 0.0850
  const int code = q.code(0, 1);            // rint(3.08 / 0.0850) = 36
  const float real = q.dequantize()(0, 1);  // 0.0850 * 36 = 3.06
  const float nearby = 3.02f / scale;       // 35.5: 3.02 gets code 36 too

  EXPECT_EQ(scale, 10.8f / 127);
  EXPECT_EQ(codes_of(q), (std::vector{-54, 36, 64, -23, 127}));
  EXPECT_EQ(code, 36);
  EXPECT_EQ(real, 36 * (10.8f / 127));
  EXPECT_EQ(std::nearbyint(nearby), 36);
}

TEST(scale_and_zero_point, an_affine_grid_moves_zero_to_where_the_range_is_used_up) {
  const Eigen::RowVectorXf x{{-7.59f, 0.0f, 10.8f}};
  const auto q = bitgauge::quantize(x, bitgauge::affine<8>{{.signed_codes = true}});
  const float scale = q.scale(0);          // (10.8 + 7.59) / 255 = 1 / 13.8662
  const int zero_point = q.zero_point(0);  // -128 - rint(-7.59 * 13.8662) = -23
  const int lowest = q.code(0, 0);         // -128: all 256 codes are used
  const int zero = q.code(0, 1);           // -23, the zero point: 0 comes back as exactly 0
  const int highest = q.code(0, 2);        // 127

  EXPECT_NEAR(1 / scale, 13.8662, 5e-5);
  EXPECT_EQ(zero_point, -23);
  EXPECT_EQ(lowest, -128);
  EXPECT_EQ(zero, -23);
  EXPECT_EQ(q.dequantize()(0, 1), 0.0f);
  EXPECT_EQ(highest, 127);
}

TEST(scale_and_zero_point, an_outlier_takes_the_codes_of_all_others_unless_the_range_is_clipped) {
  const Eigen::RowVectorXf x{{-4.57f, -0.195f, 3.08f, 5.47f, 55.48f, 256.0f}};
  const auto all = bitgauge::quantize(x, bitgauge::symmetric<8>{});  // -2 0 2 3 28 127
  const auto clipped = bitgauge::quantize(x, bitgauge::symmetric<8>{},
                                          bitgauge::fixed_range{{-6, 6}});  // -97 -4 65 116 127 127

  EXPECT_EQ(codes_of(all), (std::vector{-2, 0, 2, 3, 28, 127}));
  EXPECT_EQ(codes_of(clipped), (std::vector{-97, -4, 65, 116, 127, 127}));
}

}  // namespace
