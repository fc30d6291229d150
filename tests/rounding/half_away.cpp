#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/rounding/half_away.hpp>

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

static_assert(neighbour_rounding<half_away_rounding>);

// Catches a tie going to even, up, or towards zero, on an integer grid and on one with NaN codes.
TEST(half_away_rounding, ties_leave_zero) {
  const Eigen::RowVectorXf x{{127, 0.5f, -0.5f, 1.5f, -2.5f, 2.4999f, -2.5001f}};
  const Eigen::RowVectorXf expected{{127, 1, -1, 2, -3, 2, -3}};
  EXPECT_EQ(quantize(x, symmetric<8>{}, half_away_rounding{}).dequantize(), expected);

  const Eigen::RowVectorXf y{{448, 17, -17, 21, -0x1p-10f}};
  const Eigen::RowVectorXf expected_fp8{{448, 18, -18, 22, -0x1p-9f}};
  EXPECT_EQ(quantize(y, fp8_e4m3{}, half_away_rounding{}).dequantize(), expected_fp8);
}

}  // namespace
