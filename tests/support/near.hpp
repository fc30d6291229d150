#pragma once

/// \file
/// Matrices that are near each other.

#include <Eigen/Core>
#include <gtest/gtest.h>

namespace test {

/// Fails unless shapes are equal and all differences within a share of the largest magnitude expected, in double.
template <class Found, class Expected>
void expect_near(const Found& found, const Expected& expected, double share) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.cols(), expected.cols());
  EXPECT_LE((found.template cast<double>() - expected).cwiseAbs().maxCoeff(),
            share * expected.cwiseAbs().maxCoeff());
}

/// The norm of the difference as a share of that of `expected`, in double.
template <class Found, class Expected>
double relative(const Eigen::MatrixBase<Found>& found, const Eigen::MatrixBase<Expected>& expected) {
  const Eigen::MatrixXd exact = expected.template cast<double>();
  return (found.template cast<double>() - exact).norm() / exact.norm();
}

}  // namespace test
