#include <bitgauge/rounding/feedback/normalized_hessian.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/integer_target.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

namespace bg = bitgauge;
using Eigen::Index;

/// Whether activations times a power of two give the same codes, and the same errors times its square.
template <class Scalar>
void expect_no_change_of_units(const bg::gptq_options& options) {
  SCOPED_TRACE("effort " + std::to_string(static_cast<int>(options.effort)));
  const Eigen::MatrixXf w = test::normal_matrix(6, 40, 22), x = test::correlated_inputs(60, 40, 0.9f, 23);
  bg::gptq_report report, far_report;
  bg::gptq_options o = options, far_options = options;
  o.report = &report;
  far_options.report = &far_report;
  bg::hessian h(40);
  h.accumulate(x);
  test::integer_target near(w, 16);
  bg::gptq<Scalar>(h, o).round(near, 1);
  for (const float factor : {0x1p90f, 0x1p91f, 0x1p-90f}) {
    bg::hessian far(40);
    far.accumulate(factor * x);
    test::integer_target target(w, 16);
    bg::gptq<Scalar>(far, far_options).round(target, 1);
    EXPECT_EQ(target.real(), near.real());
    const double square = static_cast<double>(factor) * static_cast<double>(factor);
    EXPECT_EQ(far_report.energy, square * report.energy);
    EXPECT_EQ(far_report.error, square * report.error);
    EXPECT_EQ(far_report.nearest_error, square * report.nearest_error);
    EXPECT_EQ(far_report.damping, square * report.damping);
  }
}

// Catches sums, in float above all, that overflow or vanish with large and small activations: the result does
// not depend on their unit, to the bit.
TEST(normalized_hessian, a_common_factor_changes_nothing) {
  for (const bg::effort level : {bg::effort::reference, bg::effort::normal, bg::effort::best}) {
    expect_no_change_of_units<double>({.effort = level});
    expect_no_change_of_units<float>({.effort = level});
    expect_no_change_of_units<float>({.act_order = true, .effort = level});
  }
}

// Catches a copy where none is needed, and elements kept that sums of a type cannot tell from zero.
TEST(normalized_hessian, copies_only_what_must_change) {
  using bg::detail::normalized_hessian;
  Eigen::Matrix2d matrix;
  matrix << 1, 0x1p-50, 0x1p-50, 1;
  const auto h = bg::hessian::from_matrix(matrix, 9);
  const normalized_hessian<double> in_double(h);
  EXPECT_EQ(&in_double.get(), &h);
  const normalized_hessian<float> in_float(h);
  EXPECT_EQ(in_float.get().matrix(), Eigen::MatrixXd::Identity(2, 2));
  EXPECT_EQ(in_float.get().samples(), 9);
  const auto large = bg::hessian::from_matrix(0x1p300 * matrix);
  const normalized_hessian<double> scaled(large);
  EXPECT_EQ(scaled.get().matrix(), Eigen::MatrixXd(scaled.by() * large.matrix()));
  EXPECT_GE(scaled.get().matrix()(0, 0), 0.25);
  EXPECT_LE(scaled.get().matrix()(0, 0), 1);
}

}  // namespace
