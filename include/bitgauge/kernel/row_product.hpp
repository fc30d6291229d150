#pragma once

/// \file
/// q * x: products with weights that are decoded row by row, for those that are not packed. A loop of its own in
/// plain C++, not multiply_floats of the steps in operations.hpp: whoever writes q * x would compile every tier.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/product/operand.hpp>
#include <bitgauge/kernel/product/product_target.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <memory>

namespace bitgauge {

class pruned_matrix;
class trellis_matrix;
namespace gguf {
class block_matrix;
}
namespace kernel {

/// Weights that become floats row by row.
struct row_decoder {
  index_t rows = 0, cols = 0;
  const void* weights = nullptr;
  void (*decode)(const void* weights, index_t row, float* out) = nullptr;
};

/// y = W x; samples are the rows of `x`. Sizes have been checked.
BITGAUGE_DECLARE void multiply_rows(const row_decoder& w, const row_source& x, const product_target& y,
                                    int threads);

}  // namespace kernel

namespace detail {

template <class Derived>
using product_of = Eigen::Matrix<float, Eigen::Dynamic, Derived::ColsAtCompileTime>;

/// y = W x with W of any kind that is decoded row by row.
template <class Weights, class Derived>
product_of<Derived> row_product(const Weights& w, const Eigen::MatrixBase<Derived>& x) {
  if constexpr (!is_real_operand<typename Derived::Scalar>()) {
    return {};
  } else if constexpr (!real_scalar<typename Derived::Scalar>) {
    return row_product(w, x.template cast<float>());
  } else {
    require_product_shape(w, x.rows());
    product_of<Derived> y(w.rows(), x.cols());
    const kernel::row_decoder rows{w.rows(), w.cols(), &w, [](const void* weights, index_t row, float* out) {
                                     static_cast<const Weights*>(weights)->dequantize_row(row, out);
                                   }};
    kernel::with_samples(x.derived(), [&](const row_source& samples) {
      kernel::multiply_rows(rows, samples, kernel::target_of(y.data(), 1, y.outerStride()), 0);
    });
    return y;
  }
}

}  // namespace detail

/// y = W x, x in x samples (or a vector of in elements) of float, double, half, bfloat16 or numbers that become
/// floats, the result out x samples. With n columns, |y - W x| <= (n + 8) 2^-24 |W||x|, |W| the magnitudes of
/// the dequantized weights. Throws shape_error. Cost: W is dequantized, a few rows at a time, and multiplied in
/// floats; packed_weights multiply faster by what it takes to do so each time.
template <class Derived>
detail::product_of<Derived> operator*(const quantized_matrix& w, const Eigen::MatrixBase<Derived>& x) {
  if (!w.is_column_vector()) return detail::row_product(w, x);
  // stored as one row: an outer product
  detail::require_product_shape(w, x.rows());
  Eigen::VectorXf column(w.rows());
  w.dequantize_row(0, column.data());
  detail::product_of<Derived> y(w.rows(), x.cols());
  for (index_t s = 0; s < x.cols(); ++s)
    for (index_t r = 0; r < w.rows(); ++r) y(r, s) = column(r) * static_cast<float>(x(0, s));
  return y;
}

/// The same for pruned weights: see matrix/pruned/pruned_matrix.hpp.
template <class Derived>
detail::product_of<Derived> operator*(const pruned_matrix& w, const Eigen::MatrixBase<Derived>& x) {
  return detail::row_product(w, x);
}

/// The same for levels of a trellis: see matrix/trellis/trellis_matrix.hpp.
template <class Derived>
detail::product_of<Derived> operator*(const trellis_matrix& w, const Eigen::MatrixBase<Derived>& x) {
  return detail::row_product(w, x);
}

namespace gguf {

/// The same for blocks of ggml.
template <class Derived>
bitgauge::detail::product_of<Derived> operator*(const block_matrix& w, const Eigen::MatrixBase<Derived>& x) {
  return bitgauge::detail::row_product(w, x);
}

}  // namespace gguf
}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/row_product_definitions.hpp>
#endif
