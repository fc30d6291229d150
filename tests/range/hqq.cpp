#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/hqq.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace {

using namespace bitgauge;

static_assert(fitting_range<hqq_range>);

/// Heavy tails, as in the weights that HQQ was made for.
Eigen::MatrixXf heavy_tailed(Eigen::Index rows, Eigen::Index cols) {
  std::mt19937 random(5);
  std::student_t_distribution<float> student(3);
  return Eigen::MatrixXf::NullaryExpr(rows, cols, [&] { return student(random) * 0.05f + 0.01f; });
}

double power_error(const Eigen::MatrixXf& w, const Eigen::MatrixXf& r) {
  return (w - r).cast<double>().array().abs().pow(0.7).sum();
}

// Catches a search that loses to where it starts, on grids with and without zero points and on codebooks.
TEST(hqq_range, lowers_the_error_it_minimises) {
  const Eigen::MatrixXf w = heavy_tailed(24, 200);
  const auto gain = [&](const auto& grid) {
    const double start = power_error(w, quantize(w, grid, per_group{64}, f16_scales).dequantize());
    return power_error(w, quantize(w, grid, per_group{64}, f16_scales, hqq_range{}).dequantize()) / start;
  };
  EXPECT_LT(gain(affine<2>{}), 0.85);
  EXPECT_LT(gain(affine<3>{}), 0.95);
  EXPECT_LE(gain(affine<4>{}), 1);
  EXPECT_LT(gain(symmetric<3>{}), 0.95);
  EXPECT_LE(gain(nf4{}), 1);
}

// Catches any single group that got worse, zeros divided by, or an importance that is not heard.
TEST(hqq_range, never_loses_a_group) {
  Eigen::MatrixXf w = heavy_tailed(40, 48);
  w.row(3).setZero();
  const Eigen::MatrixXf start = quantize(w, affine<3>{}, per_row{}).dequantize();
  const Eigen::MatrixXf found = quantize(w, affine<3>{}, per_row{}, hqq_range{}).dequantize();
  for (Eigen::Index r = 0; r < w.rows(); ++r)
    EXPECT_LE(power_error(w.row(r), found.row(r)), power_error(w.row(r), start.row(r)) * (1 + 1e-12)) << r;
  EXPECT_EQ(found.row(3), w.row(3));

  Eigen::VectorXf weights = Eigen::VectorXf::Constant(48, 1e-6f);
  weights.head(8).setConstant(1);
  const Eigen::MatrixXf heard =
      quantize(w, affine<3>{}, per_row{}, hqq_range{}, importance(weights)).dequantize();
  EXPECT_LT(power_error(w.leftCols(8), heard.leftCols(8)), power_error(w.leftCols(8), found.leftCols(8)));
}

}  // namespace
