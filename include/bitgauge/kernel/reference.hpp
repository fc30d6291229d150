#pragma once

/// \file
/// The matrix product by its definition: the oracle for every faster kernel, and the product until one fits.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/kernel/operand.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <string>
#include <vector>

namespace bitgauge {
namespace gguf {
class block_matrix;
}
namespace detail {

template <class Derived>
using product_of = Eigen::Matrix<float, Eigen::Dynamic, Derived::ColsAtCompileTime>;

/// y = W x with W of any kind that is decoded row by row.
template <class Weights, class Derived>
product_of<Derived> reference_product(const Weights& w, const Eigen::MatrixBase<Derived>& x,
                                      bool is_column_vector) {
  if constexpr (is_real_operand<typename Derived::Scalar>()) {
    if (w.cols() != x.rows())
      raise_message<shape_error>({"product of ", w.rows(), " x ", w.cols(), " quantized weights: expected ",
                                  w.cols(), " rows of input, found ", x.rows()});
    const Eigen::MatrixXd input = x.template cast<double>();
    product_of<Derived> y(w.rows(), x.cols());
    if (is_column_vector) {  // stored as one row: an outer product
      std::vector<float> column(static_cast<std::size_t>(w.rows()));
      w.dequantize_row(0, column.data());
      for (index_t r = 0; r < w.rows(); ++r)
        for (index_t s = 0; s < x.cols(); ++s)
          y(r, s) =
              static_cast<float>(static_cast<double>(column[static_cast<std::size_t>(r)]) * input(0, s));
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
  } else {
    return {};
  }
}

}  // namespace detail

/// y = W x with W dequantized row by row: weights exact, activations float, sums in double in the order of
/// the columns. x is in x samples (or a vector of in elements), the result out x samples. Throws shape_error.
/// Cost: one dequantization of W, and memory for one row.
template <class Derived>
detail::product_of<Derived> operator*(const quantized_matrix& w, const Eigen::MatrixBase<Derived>& x) {
  return detail::reference_product(w, x, w.is_column_vector());
}

namespace gguf {

/// The same for blocks of ggml.
template <class Derived>
bitgauge::detail::product_of<Derived> operator*(const block_matrix& w, const Eigen::MatrixBase<Derived>& x) {
  return bitgauge::detail::reference_product(w, x, false);
}

}  // namespace gguf
}  // namespace bitgauge
