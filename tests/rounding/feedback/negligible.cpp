#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/integer_target.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>

namespace {

namespace bg = bitgauge;
using Eigen::Index;

/// Correlations that fall off to subnormal numbers: rho^|i - j|.
bg::hessian decaying_hessian(Index inputs, double rho) {
  return bg::hessian::from_matrix(Eigen::MatrixXd::NullaryExpr(
      inputs, inputs, [&](Index i, Index j) { return std::pow(rho, static_cast<double>(std::abs(i - j))); }));
}

template <class Matrix>
Index count_subnormals(const Matrix& m) {
  using scalar = typename Matrix::Scalar;
  return (m.array() != scalar(0) && m.array().abs() < std::numeric_limits<scalar>::min()).count();
}

template <class Scalar>
void expect_a_clean_factor(const bg::hessian& h) {
  const auto factor = bg::detail::factor<Scalar>(h, 0.01, false, 1);
  EXPECT_EQ(count_subnormals(factor.upper), 0);
  Eigen::MatrixXd damped = h.matrix();
  damped.diagonal().array() += factor.damping;
  const Eigen::MatrixXd upper = factor.upper.template cast<double>();
  EXPECT_LT((upper * upper.transpose() - damped).cwiseAbs().maxCoeff(),
            10 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
}

// Catches a factor that decays into subnormal numbers, on which some processors are a hundred times slower
// (five sixths of the time of gptq<float> at 1024 columns), and one that lost more than its precision.
TEST(negligible, factors_hold_no_subnormals) {
  for (const double rho : {0.1, 0.5, 0.9}) {
    expect_a_clean_factor<float>(decaying_hessian(500, rho));
    expect_a_clean_factor<double>(decaying_hessian(500, rho));
  }
}

/// Whether rounding raises the processor's own sign of a subnormal result, in any operation of any width.
template <class Scalar>
bool underflows(const bg::hessian& h, const Eigen::MatrixXf& w, const bg::gptq_options& o) {
  test::integer_target target(w, 64);
  std::feclearexcept(FE_ALL_EXCEPT);
  bg::gptq<Scalar>(h, o).round(target, 1);
  return std::fetestexcept(FE_UNDERFLOW) != 0;
}

// Catches subnormal numbers anywhere in the work: feedback within blocks and between them, both orders, free
// groups and static ones, in the search as well.
TEST(negligible, rounding_never_underflows) {
  const Eigen::MatrixXf w = test::normal_matrix(8, 320, 1);
  for (const double rho : {0.1, 0.5, 0.9}) {
    const bg::hessian h = decaying_hessian(320, rho);
    for (const bg::gptq_options& o :
         {bg::gptq_options{}, bg::gptq_options{.static_groups = true}, bg::gptq_options{.act_order = true},
          bg::gptq_options{.effort = bg::effort::reference}, bg::gptq_options{.effort = bg::effort::best}}) {
      SCOPED_TRACE(std::to_string(rho) + ", effort " + std::to_string(static_cast<int>(o.effort)));
      EXPECT_FALSE(underflows<float>(h, w, o));
      EXPECT_FALSE(underflows<double>(h, w, o));
    }
  }
}

// Catches a threshold that is not far under the rounding error, or that does not follow the size of columns.
TEST(negligible, is_the_square_of_the_rounding_error) {
  using bg::detail::kept;
  EXPECT_EQ(kept<float>(0x1p-46), 0x1p-46f);
  EXPECT_EQ(kept<float>(-0x1.8p-47), 0.0f);
  EXPECT_EQ(kept<float>(0x1p-40, 0x1p10), 0.0f);
  EXPECT_EQ(kept<float>(1e-300), 0.0f);
  EXPECT_EQ(kept<double>(0x1p-104), 0x1p-104);
  EXPECT_EQ(kept<double>(0x1p-105), 0.0);
  const float sizes[] = {1, 1, 1024};
  Eigen::MatrixXf columns(3, 2);
  columns << 1, 0x1p-60f, 0x1p-50f, 0, 0x1p-50f, 0x1p-120f;
  Eigen::MatrixXf expected = columns;
  expected(1, 0) = 0;
  expected(2, 1) = 0;
  for (Index c = 0; c < 2; ++c) bg::detail::drop_negligible(columns.col(c).data(), sizes, 3);
  EXPECT_EQ(columns, expected);
}

}  // namespace
