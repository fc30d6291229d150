#pragma once

/// \file
/// The triangular factor that error feedback runs on.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace bitgauge::detail {

template <class Scalar>
using dense_matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

/// Factors a symmetric positive definite matrix, given by its lower half, in place into L L^T with L lower:
/// tile by tile, the tiles below and right of a diagonal tile in parallel (Golub and Van Loan, Matrix
/// Computations, 4.2.9). Every tile is computed by one thread in a fixed order. The diagonal is about 1; what
/// is negligible beside it is dropped. Returns false where a pivot is not positive. Cost: n^3 / 3
/// multiplications and as many additions.
template <class Scalar>
bool factor_in_place(dense_matrix<Scalar>& a, int threads) {
  constexpr index_t width = 128;
  const index_t n = a.rows();
  for (index_t k = 0; k < n; k += width) {
    const index_t b = std::min(width, n - k), below = k + b, rest = n - below;
    Eigen::Ref<dense_matrix<Scalar>> corner = a.block(k, k, b, b);
    const Eigen::LLT<Eigen::Ref<dense_matrix<Scalar>>, Eigen::Lower> pivot(corner);
    if (pivot.info() != Eigen::Success) return false;
    for (index_t c = 0; c < b; ++c) {
      auto column = corner.col(c).tail(b - c);
      drop_negligible(column);
    }
    const index_t tiles = (rest + width - 1) / width;
    const auto height = [&](index_t i) { return std::min(width, rest - i * width); };
    parallel_for(tiles, threads, [&](index_t i) {
      auto tile = a.block(below + i * width, k, height(i), b);
      a.block(k, k, b, b)
          .transpose()
          .template triangularView<Eigen::Upper>()
          .template solveInPlace<Eigen::OnTheRight>(tile);
      drop_negligible(tile);
    });
    parallel_for(tiles, threads, [&](index_t j) {
      const auto across = a.block(below + j * width, k, height(j), b).transpose();
      for (index_t i = j; i < tiles; ++i)
        a.block(below + i * width, below + j * width, height(i), height(j)).noalias() -=
            a.block(below + i * width, k, height(i), b) * across;
    });
  }
  return true;
}

/// H + damping * I = R R^T with R upper triangular, rows and columns in the order of processing. Its inverse
/// U = R^-1 is the upper Cholesky factor of the inverse Hessian that GPTQ is usually stated with; R gives the
/// same codes without an inverse ever being formed: (w - q) R is the error of a row in coordinates in which
/// the squared output error is a plain sum, one term a column (Chen et al., arXiv 2507.18553).
template <class Scalar>
struct feedback_factor {
  dense_matrix<Scalar> upper;  ///< R; what is negligible in its row is 0
  /// Powers of two within a factor of two of the roots of the damped diagonal, in the order of processing: an
  /// error d of column i counts about as much as one of size(i) * d of a column of size 1.
  Eigen::VectorX<Scalar> size;
  std::vector<index_t> order;  ///< order[i] is the column processed i-th
  std::vector<index_t> dead;   ///< columns whose input was always 0, ascending
  Eigen::VectorXd added;  ///< to the diagonal, by column: the damping; dead columns get the mean diagonal too
  double damping = 0;
  int raised = 0;  ///< how often the damping had to be raised
};

/// Columns by falling diagonal, ties by number.
template <class Derived>
std::vector<index_t> falling_diagonal(const Eigen::MatrixBase<Derived>& h) {
  std::vector<index_t> order(static_cast<std::size_t>(h.rows()));
  std::iota(order.begin(), order.end(), index_t{0});
  std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) { return h(a, a) > h(b, b); });
  return order;
}

/// Smaller columns, beside a largest of about 1, are damped until they are not: ratios of Scalars, and
/// squares of them, remain normal numbers.
template <class Scalar>
inline const double least_size = std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::min()));

/// A power of two within a factor of two of the root of a positive number.
inline double root_size(double x) noexcept {
  int exponent = 0;
  (void)std::frexp(x, &exponent);
  return std::ldexp(1.0, exponent / 2);
}

/// Factors `h`. Dead columns get the mean diagonal. `fraction` of the mean diagonal is added to the diagonal;
/// where the matrix is then still not positive definite, or has columns too small for sums of type Scalar,
/// ten times more (at least 1e-8 of the mean), and so on up to ten times the mean. Columns are scaled by
/// powers of two while it is factored, so that inputs of very different sizes neither overflow nor vanish.
/// Throws data_error for a Hessian of no samples or all zero.
template <class Scalar>
feedback_factor<Scalar> factor(const hessian& h, double fraction, bool act_order, int threads) {
  const Eigen::MatrixXd& sum = h.matrix();
  const index_t n = h.inputs();
  feedback_factor<Scalar> result;
  double mean = 0;
  for (index_t j = 0; j < n; ++j) {
    if (sum(j, j) == 0) result.dead.push_back(j);
    mean += sum(j, j);
  }
  if (!(mean > 0))
    raise(data_error(
        "gptq: the Hessian is zero: expected activations from at least one sample (accumulate some, or ask "
        "for nearest rounding)"));
  mean /= static_cast<double>(n);
  if (act_order) {
    result.order = falling_diagonal(sum);
  } else {
    result.order.resize(static_cast<std::size_t>(n));
    std::iota(result.order.begin(), result.order.end(), index_t{0});
  }
  // Reversing rows and columns turns the lower factor into an upper one.
  const auto column = [&](index_t i) { return result.order[static_cast<std::size_t>(n - 1 - i)]; };
  dense_matrix<Scalar>& a = result.upper;
  Eigen::VectorXd size(n);  // reversed as a is
  for (;; ++result.raised) {
    result.damping = fraction * mean;
    result.added.setConstant(n, result.damping);
    for (const index_t c : result.dead) result.added(c) += mean;
    for (index_t i = 0; i < n; ++i) size(i) = root_size(sum(column(i), column(i)) + result.added(column(i)));
    a.resize(n, n);
    parallel_for(n, threads, [&](index_t c) {
      const double by = 1 / size(c);
      for (index_t r = c; r < n; ++r) a(r, c) = kept<Scalar>(sum(column(r), column(c)) * by / size(r));
      a(c, c) = static_cast<Scalar>((sum(column(c), column(c)) + result.added(column(c))) * by * by);
    });
    if (size.minCoeff() >= least_size<Scalar> && factor_in_place(a, threads)) break;
    if (fraction >= 10)
      raise(data_error("gptq: the Hessian cannot be factored with " + std::to_string(fraction) +
                       " of its mean diagonal added: expected a positive semidefinite matrix"));
    fraction = std::max(fraction * 10, 1e-8);
  }
  for (index_t c = 0; c < n; ++c)
    for (index_t r = c + 1; r < n; ++r) a(n - 1 - r, n - 1 - c) = a(r, c);
  a.diagonal().reverseInPlace();
  a.template triangularView<Eigen::StrictlyLower>().setZero();
  result.size = size.reverse().template cast<Scalar>();
  for (index_t c = 0; c < n; ++c) a.col(c).head(c + 1).array() *= result.size.head(c + 1).array();
  return result;
}

}  // namespace bitgauge::detail
