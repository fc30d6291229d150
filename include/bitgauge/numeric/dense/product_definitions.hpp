#pragma once

/// \file
/// What product.hpp declares.

#include <bitgauge/numeric/dense/product.hpp>

#include <algorithm>

namespace bitgauge::numeric {

template <class Scalar>
[[gnu::noinline]] void add_product(matrix_view<Scalar> c, std::type_identity_t<Scalar> factor,
                                   std::type_identity_t<matrix_view<const Scalar>> a,
                                   std::type_identity_t<matrix_view<const Scalar>> b) {
  using stride = Eigen::OuterStride<>;
  using row_major = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const row_major, 0, stride> left(a.data, a.cols, a.rows, stride(a.stride));
  const Eigen::Map<const dense_matrix<Scalar>, 0, stride> right(b.data, b.rows, b.cols, stride(b.stride));
  Eigen::Map<dense_matrix<Scalar>, 0, stride> result(c.data, c.rows, c.cols, stride(c.stride));
  result.noalias() += (factor * left) * right;
}

template <class Scalar>
[[gnu::noinline]] void multiply(matrix_view<Scalar> c, std::type_identity_t<matrix_view<const Scalar>> a,
                                std::type_identity_t<matrix_view<const Scalar>> b) {
  for (index_t j = 0; j < c.cols; ++j) std::fill_n(c.column(j), c.rows, Scalar(0));
  subtract_product(c, a, b);
  for (index_t j = 0; j < c.cols; ++j)
    for (index_t i = 0; i < c.rows; ++i) c(i, j) = -c(i, j);
}

}  // namespace bitgauge::numeric
