#include <bitgauge/numeric/dense/cholesky.hpp>
#include <bitgauge/numeric/dense/triangular.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace {

namespace numeric = bitgauge::numeric;
using Eigen::Index;

// Upper triangular and far from singular.
template <class Scalar>
numeric::dense_matrix<Scalar> upper_matrix(Index n) {
  return numeric::dense_matrix<Scalar>::NullaryExpr(n, n, [](Index r, Index c) {
    return r > c ? Scalar(0) : r == c ? Scalar(3 + r % 2) : Scalar((r * 7 + c * 5) % 11 - 5) / Scalar(40);
  });
}

template <class Scalar>
void expect_solutions(Index n, Index columns) {
  const numeric::dense_matrix<Scalar> u = upper_matrix<Scalar>(n);
  const numeric::dense_matrix<Scalar> expected = numeric::dense_matrix<Scalar>::NullaryExpr(
      n, columns, [](Index r, Index c) { return Scalar((r * 3 + c * 13) % 17 - 8); });
  numeric::dense_matrix<Scalar> x = u * expected, y = u.transpose() * expected;
  numeric::solve(numeric::view_of(u), numeric::view_of(x));
  numeric::solve_transposed(numeric::view_of(u), numeric::view_of(y));
  const Scalar bound = 100 * std::numeric_limits<Scalar>::epsilon();
  EXPECT_LT((x - expected).cwiseAbs().maxCoeff(), bound) << n << " x " << columns;
  EXPECT_LT((y - expected).cwiseAbs().maxCoeff(), bound) << n << " x " << columns;

  // a = u^T u; its upper half alone is read
  numeric::dense_matrix<Scalar> a = u.transpose() * u;
  for (Index c = 0; c < n; ++c)
    for (Index r = c + 1; r < n; ++r) a(r, c) = std::numeric_limits<Scalar>::quiet_NaN();
  ASSERT_TRUE(numeric::factor_upper(numeric::view_of(a), 48, 2));
  for (Index c = 0; c < n; ++c)
    for (Index r = 0; r <= c; ++r) ASSERT_NEAR(a(r, c), u(r, c), bound) << n << ": " << r << ", " << c;
}

// Catches tails of tiles and of columns side by side, the wrong half of a matrix read, and tiles that are
// computed from what is not yet final.
TEST(triangular, gives_back_what_was_multiplied) {
  for (const Index n : {1, 15, 16, 17, 50, 100, 145})
    for (const Index columns : {1, 8, 21}) {
      expect_solutions<double>(n, columns);
      expect_solutions<float>(n, columns);
    }
}

// Catches a factor of a matrix that has none.
TEST(triangular, refuses_what_is_not_positive_definite) {
  Eigen::MatrixXd a = Eigen::MatrixXd::Identity(70, 70);
  a(60, 60) = 0;
  EXPECT_FALSE(numeric::factor_upper(numeric::view_of(a), 48, 1));
}

}  // namespace
