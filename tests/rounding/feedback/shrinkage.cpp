#include <bitgauge/rounding/feedback/shrinkage.hpp>

#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using bitgauge::hessian;
using bitgauge::detail::shrinkage;
using Eigen::Index;

/// ||(1 - share) S + share diag(S) - expected||, S the mean of outer products of the samples.
double distance(const Eigen::MatrixXd& s, double share, const Eigen::MatrixXd& expected) {
  Eigen::MatrixXd mixed = (1 - share) * s;
  mixed.diagonal() += share * s.diagonal();
  return (mixed - expected).norm();
}

// Catches a share that is far from the one that is best, which is known here because the inputs' covariance
// is: within a tenth where samples are few, weak correlation and strong.
TEST(shrinkage, is_nearly_as_good_as_the_best_share) {
  constexpr Index inputs = 40;
  for (const float rho : {0.0f, 0.5f, 0.9f}) {
    const Eigen::MatrixXd expected = Eigen::MatrixXd::NullaryExpr(inputs, inputs, [&](Index i, Index j) {
      const auto size = [](Index k) { return std::exp2(std::sin(static_cast<float>(7 * k))); };
      return static_cast<double>(size(i) * size(j) *
                                 std::pow(rho, static_cast<float>(i > j ? i - j : j - i)));
    });
    for (const Index samples : {20, 60}) {
      hessian h(inputs);
      h.accumulate(test::correlated_inputs(samples, inputs, rho, static_cast<unsigned>(samples)));
      const Eigen::MatrixXd s = h.matrix() / static_cast<double>(samples);
      double best = distance(s, 0, expected);
      for (double share = 0; share <= 0.5; share += 0.01) best = std::min(best, distance(s, share, expected));
      const double found = distance(s, shrinkage<double>(h), expected);
      EXPECT_LT(found, distance(s, 0, expected));
      EXPECT_LE(found, 1.1 * best) << rho << ", " << samples;
    }
  }
}

// Catches a share that does not fall with the number of samples.
TEST(shrinkage, trusts_many_samples) {
  hessian h(40);
  h.accumulate(test::correlated_inputs(8000, 40, 0.9f, 1));
  EXPECT_LT(shrinkage<double>(h), 0.003);
  EXPECT_GT(shrinkage<double>(h), 0.0003);
}

// Catches shrinkage where nothing is known of the samples, and a share that leaves nothing of the Hessian.
TEST(shrinkage, has_its_limits) {
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(8, 8);
  EXPECT_EQ(shrinkage<double>(hessian::from_matrix(identity)), 0);
  EXPECT_EQ(shrinkage<double>(hessian::from_matrix(identity, 100)), 0.5);
}

// Catches squares of elements that overflow or vanish: a common factor changes nothing.
TEST(shrinkage, does_not_depend_on_units) {
  hessian h(40);
  h.accumulate(test::correlated_inputs(60, 40, 0.9f, 1));
  for (const double factor : {0x1p515, 0x1p-515})
    EXPECT_EQ(shrinkage<double>(hessian::from_matrix(factor * h.matrix(), 60)), shrinkage<double>(h));
}

}  // namespace
