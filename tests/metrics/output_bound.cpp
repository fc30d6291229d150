#include <bitgauge/metrics/output_bound.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;

// Catches a bound that counts inputs under water, rows of one variance, or a rate that is not a mean over all weights.
TEST(output_bound, fills_water_over_inputs_and_rows) {
  Eigen::MatrixXd h = Eigen::MatrixXd::Zero(4, 4);
  h.diagonal() << 64, 16, 4, 1;
  Eigen::MatrixXf w(2, 4);
  w.row(0).setConstant(1);
  w.row(1).setConstant(2);  // four times the variance
  const output_bound bound(hessian::from_matrix(h), w);
  EXPECT_NEAR(bound.energy(), 85 * 5, 1e-9);
  // all above a level of 1/4: log2(64 16 4 1) = 12, and 2 an input more in the second row
  EXPECT_NEAR(bound.bits(8 * 0.25), ((12 + 8) + (12 + 8 + 8)) / 2.0 / 8, 1e-9);
  // at a level of 8: 64 and 16 stand out of the first row, 256, 64 and 16 of the second
  EXPECT_NEAR(bound.bits(5 * 8 + 4 + 1 + 4), ((3 + 1) + (5 + 3 + 1)) / 2.0 / 8, 1e-9);
  EXPECT_NEAR(bound.error(bound.bits(49)), 49, 1e-9);
  EXPECT_EQ(bound.bits(bound.energy()), 0);
  EXPECT_EQ(bound.error(0), bound.energy());
  EXPECT_TRUE(std::isinf(bound.bits(0)));
  EXPECT_THROW(output_bound(hessian(3), w), shape_error);
}

// Catches an importance that is spread over the wrong rows, and a bound without one that is not that of each row's own
// variance: 4^-bits of a row's energy.
TEST(output_bound, counts_columns_as_an_importance_does) {
  Eigen::MatrixXf w(2, 2);
  w << 1, 1, 2, 2;
  const output_bound two(importance({16, 4, 1, 0.25f}, 2), w);  // of the first row, of the second
  EXPECT_NEAR(two.energy(), 16 + 4 + 4 * (1 + 0.25), 1e-9);
  // above a level of 1/4: variances 16 and 4, 4 and 1
  EXPECT_NEAR(two.bits(4 * 0.25), (6 + 4 + 4 + 2) / 2.0 / 4, 1e-9);
  const output_bound same(importance(), w);
  EXPECT_NEAR(same.bits(4 * 0.25), (2 + 4) / 2.0 / 2, 1e-9);
  EXPECT_NEAR(same.error(3), 4 / 32.0, 1e-9);  // a level of 1/32
  EXPECT_THROW(output_bound(importance({1, 2, 3}), w), shape_error);
}

}  // namespace
