#pragma once

/// \file
/// A line's part of the Hessian, as the search for its codes wants it.

#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

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

/// The columns of a line and their part of the damped Hessian, G = P^T R R^T P with P an order of falling
/// diagonal.
template <class Scalar>
struct group_system {
  index_t begin = 0;
  std::vector<index_t> order;  ///< order[i]: the column, counted from begin, that is decided i-th
  dense_matrix<Scalar> upper;  ///< R; empty where G cannot be factored
  group_factors factors;

  group_system(const Eigen::MatrixXd& h, const Eigen::VectorXd& added, index_t first, index_t width)
      : begin(first) {
    dense_matrix<Scalar> g = h.block(first, first, width, width).template cast<Scalar>();
    g.diagonal() += added.segment(first, width).template cast<Scalar>();
    order = falling_diagonal(g);
    dense_matrix<Scalar> reversed(width, width);
    for (index_t c = 0; c < width; ++c)
      for (index_t r = 0; r < width; ++r)
        reversed(r, c) =
            g(order[static_cast<std::size_t>(width - 1 - r)], order[static_cast<std::size_t>(width - 1 - c)]);
    const Eigen::LLT<Eigen::Ref<dense_matrix<Scalar>>> lower(reversed);
    if (lower.info() != Eigen::Success) return;
    upper = dense_matrix<Scalar>::Zero(width, width);
    for (index_t r = 0; r < width; ++r)
      for (index_t c = r; c < width; ++c)
        upper(r, c) =
            kept<Scalar>(static_cast<double>(reversed(width - 1 - r, width - 1 - c)), size_of(g, r));
    list_factors();
  }

  index_t width() const { return static_cast<index_t>(order.size()); }
  bool usable() const { return upper.size() > 0; }
  /// The column of the matrix that is decided i-th.
  index_t column(index_t i) const { return begin + order[static_cast<std::size_t>(i)]; }

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
    const Eigen::VectorXd size = upper.rowwise().norm().template cast<double>();
    for (index_t j = 0; j < width; ++j) {
      f.pivot[static_cast<std::size_t>(j)] = static_cast<float>(upper(j, j));
      for (index_t i = 0; i < j; ++i) {
        const auto factor = kept<float>(static_cast<double>(upper(i, j) / upper(j, j)), size(i) / size(j));
        f.along[static_cast<std::size_t>(i * f.stride + j)] = factor;
        f.into[static_cast<std::size_t>(j * f.stride + i)] = factor;
      }
    }
  }
};

}  // namespace bitgauge::detail
