#pragma once

/// \file
/// A group's part of the Hessian, as the search for its codes wants it.

#include <bitgauge/numeric/dense/cholesky.hpp>
#include <bitgauge/numeric/dense/vectors.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>

#include <cmath>
#include <vector>

namespace bitgauge::detail {

/// What decoding needs of R, as floats: their products with floats are exact in double, so that sums of them
/// are the same whether a compiler contracts or not.
struct group_factors {
  index_t width = 0;
  index_t stride = 0;        ///< width, rounded up to a multiple of 8
  std::vector<float> pivot;  ///< R(i, i)
  std::vector<float> along;  ///< along[i * stride + j] = R(i, j) / R(j, j), by which i, once decided, moves j
  std::vector<float> into;   ///< into[i * stride + j] = R(j, i) / R(i, i), by which j moves i
};

/// The columns of a group and their part of the damped Hessian, G = P^T R R^T P with P an order of falling
/// diagonal.
template <class Scalar>
struct group_system {
  index_t begin = 0;
  std::vector<index_t> order;  ///< order[i]: the column, counted from begin, that is decided i-th
  dense_matrix<Scalar> upper;  ///< R; empty where G cannot be factored
  group_factors factors;

  group_system(const Eigen::MatrixXd& h, const Eigen::VectorXd& added, index_t first, index_t width)
      : begin(first) {
    dense_matrix<Scalar> g(width, width);
    for (index_t c = 0; c < width; ++c) {
      for (index_t r = 0; r < width; ++r) g(r, c) = static_cast<Scalar>(h(first + r, first + c));
      g(c, c) += static_cast<Scalar>(added(first + c));
    }
    order = falling_diagonal(g);
    // Reversing rows and columns turns U^T U into R R^T.
    dense_matrix<Scalar> reversed(width, width);
    for (index_t c = 0; c < width; ++c)
      for (index_t r = 0; r <= c; ++r)
        reversed(r, c) =
            g(order[static_cast<std::size_t>(width - 1 - r)], order[static_cast<std::size_t>(width - 1 - c)]);
    constexpr index_t tile = 128;
    if (!numeric::factor_upper(numeric::view_of(reversed), tile, 1)) return;
    upper.resize(width, width);
    for (index_t c = 0; c < width; ++c)
      for (index_t r = 0; r < width; ++r)
        upper(r, c) =
            r <= c ? kept<Scalar>(static_cast<double>(reversed(width - 1 - c, width - 1 - r)), size_of(g, r))
                   : Scalar(0);
    list_factors();
  }

  index_t width() const { return static_cast<index_t>(order.size()); }
  bool usable() const { return upper.size() > 0; }
  /// The column of the matrix that is decided i-th.
  index_t column(index_t i) const { return begin + order[static_cast<std::size_t>(i)]; }

  /// ||x R||^2, x in the order of decision.
  Scalar cost(const std::vector<Scalar>& x) const {
    Scalar sum = 0;
    for (index_t j = 0; j < width(); ++j) {
      const Scalar error = numeric::dot(x.data(), numeric::view_of(upper).column(j), j + 1);
      sum += error * error;
    }
    return sum;
  }

 private:
  double size_of(const dense_matrix<Scalar>& g, index_t i) const {
    const index_t c = order[static_cast<std::size_t>(i)];
    return std::sqrt(static_cast<double>(g(c, c)));
  }
  void list_factors() {
    const index_t width = this->width();
    group_factors& f = factors;
    f.width = width;
    f.stride = (width + 7) / 8 * 8;
    f.pivot.resize(static_cast<std::size_t>(width));
    f.along.resize(static_cast<std::size_t>(width * f.stride));
    f.into.resize(static_cast<std::size_t>(width * f.stride));
    std::vector<double> size(static_cast<std::size_t>(width));  // of each row of R
    for (index_t j = 0; j < width; ++j)
      for (index_t i = 0; i <= j; ++i) {
        const auto x = static_cast<double>(upper(i, j));
        size[static_cast<std::size_t>(i)] += x * x;
      }
    for (double& x : size) x = std::sqrt(x);
    for (index_t j = 0; j < width; ++j) {
      f.pivot[static_cast<std::size_t>(j)] = static_cast<float>(upper(j, j));
      for (index_t i = 0; i < j; ++i) {
        const auto factor =
            kept<float>(static_cast<double>(upper(i, j) / upper(j, j)),
                        size[static_cast<std::size_t>(i)] / size[static_cast<std::size_t>(j)]);
        f.along[static_cast<std::size_t>(i * f.stride + j)] = factor;
        f.into[static_cast<std::size_t>(j * f.stride + i)] = factor;
      }
    }
  }
};

}  // namespace bitgauge::detail
