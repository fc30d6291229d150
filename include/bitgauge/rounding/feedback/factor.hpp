#pragma once

/// \file
/// The triangular factor that error feedback runs on.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/dense/cholesky.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::detail {

using numeric::dense_matrix;

/// Drops what is negligible beside a diagonal of about 1; of a diagonal tile only the upper half counts.
template <class Scalar>
void drop_negligible(numeric::matrix_view<Scalar> tile, bool diagonal) {
  for (index_t c = 0; c < tile.cols; ++c) drop_negligible(tile.column(c), diagonal ? c + 1 : tile.rows);
}

/// Reverses rows and columns of u^T in the upper half of u, so that R R^T is u^T u reversed. Some columns at a
/// time, for the sake of caches.
template <class Scalar>
void reverse(numeric::matrix_view<Scalar> u) {
  constexpr index_t width = 16;
  const index_t n = u.rows;
  for (index_t begin = 0; begin < n; begin += width)
    for (index_t r = 0; r < n; ++r)
      for (index_t c = std::max(begin, r); c < std::min({begin + width, n, n - 1 - r}); ++c)
        std::swap(u(r, c), u(n - 1 - c, n - 1 - r));
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
template <class Scalar>
std::vector<index_t> falling_diagonal(const dense_matrix<Scalar>& h) {
  std::vector<index_t> order(static_cast<std::size_t>(h.rows()));
  std::iota(order.begin(), order.end(), index_t{0});
  std::sort(order.begin(), order.end(),
            [&](index_t a, index_t b) { return h(a, a) > h(b, b) || (!(h(b, b) > h(a, a)) && a < b); });
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
/// `more`: a number from 0 up for each column, or none, that is added to the diagonal as well.
/// Throws data_error for a Hessian of no samples or all zero.
template <class Scalar>
feedback_factor<Scalar> factor(const hessian& h, double fraction, bool act_order, int threads,
                               std::span<const double> more = {}) {
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
  // Reversing rows and columns turns U^T U into R R^T.
  const auto column = [&](index_t i) { return result.order[static_cast<std::size_t>(n - 1 - i)]; };
  dense_matrix<Scalar>& a = result.upper;
  std::vector<double> size(static_cast<std::size_t>(n)), inverse(size.size());  // reversed as a is
  for (;; ++result.raised) {
    result.damping = fraction * mean;
    result.added.setConstant(n, result.damping);
    for (const index_t c : result.dead) result.added(c) += mean;
    for (std::size_t c = 0; c < more.size(); ++c) result.added(static_cast<index_t>(c)) += more[c];
    double least = std::numeric_limits<double>::max();
    for (index_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      size[at] = root_size(sum(column(i), column(i)) + result.added(column(i)));
      inverse[at] = 1 / size[at];
      least = std::min(least, size[at]);
    }
    a.resize(n, n);
    parallel_for(n, threads, [&](index_t c) {
      const auto at = static_cast<std::size_t>(c);
      for (index_t r = 0; r < c; ++r)
        a(r, c) = kept<Scalar>(sum(column(r), column(c)) * inverse[static_cast<std::size_t>(r)] / size[at]);
      a(c, c) = static_cast<Scalar>((sum(column(c), column(c)) + result.added(column(c))) * inverse[at] *
                                    inverse[at]);
    });
    constexpr index_t width = 128;
    if (least >= least_size<Scalar> &&
        numeric::factor_upper<Scalar>(numeric::view_of(a), width, threads, drop_negligible<Scalar>))
      break;
    if (fraction >= 10)
      raise(data_error("gptq: the Hessian cannot be factored with " + std::to_string(fraction) +
                       " of its mean diagonal added: expected a positive semidefinite matrix"));
    fraction = std::max(fraction * 10, 1e-8);
  }
  result.size.resize(n);
  for (index_t i = 0; i < n; ++i)
    result.size(i) = static_cast<Scalar>(size[static_cast<std::size_t>(n - 1 - i)]);
  reverse(numeric::view_of(a));
  for (index_t c = 0; c < n; ++c) {
    for (index_t r = 0; r <= c; ++r) a(r, c) *= result.size(r);
    for (index_t r = c + 1; r < n; ++r) a(r, c) = 0;
  }
  return result;
}

}  // namespace bitgauge::detail
