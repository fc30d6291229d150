#pragma once

/// \file
/// The matrix product by its definition: the oracle for every faster one.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <vector>

namespace bitgauge {

/// y = W x with W, quantized or blocks of ggml, dequantized row by row: weights exact, activations double, sums
/// in double in the order of the columns, rounded once. x is in x samples (or a vector of in elements), the
/// result out x samples. Throws shape_error. Cost: one dequantization of W, memory for one row, and a scalar
/// multiplication at a time: to compare with, not to compute with.
template <class Weights, class Derived>
detail::product_of<Derived> reference_product(const Weights& w, const Eigen::MatrixBase<Derived>& x) {
  detail::require_product_shape(w, x.rows());
  const Eigen::MatrixXd input = x.template cast<double>();
  detail::product_of<Derived> y(w.rows(), x.cols());
  bool is_column_vector = false;
  if constexpr (requires { w.is_column_vector(); }) is_column_vector = w.is_column_vector();
  if (is_column_vector) {  // stored as one row: an outer product
    std::vector<float> column(static_cast<std::size_t>(w.rows()));
    w.dequantize_row(0, column.data());
    for (index_t r = 0; r < w.rows(); ++r)
      for (index_t s = 0; s < x.cols(); ++s)
        y(r, s) = static_cast<float>(static_cast<double>(column[static_cast<std::size_t>(r)]) * input(0, s));
    return y;
  }
  parallel_for(w.rows(), 0, [&](index_t r) {
    std::vector<float> row(static_cast<std::size_t>(w.cols()));
    w.dequantize_row(r, row.data());
    for (index_t s = 0; s < x.cols(); ++s) {
      double sum = 0;
      for (index_t c = 0; c < w.cols(); ++c)
        sum += static_cast<double>(row[static_cast<std::size_t>(c)]) * input(c, s);
      y(r, s) = static_cast<float>(sum);
    }
  });
  return y;
}

}  // namespace bitgauge
