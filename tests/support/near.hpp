#pragma once

/// \file
/// Matrices that are near each other.

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

}  // namespace test
