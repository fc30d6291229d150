#pragma once

/// \file
/// What is a transform? A change of a layer's inputs that its weights undo.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// An invertible map T of a layer's inputs: y = W x = (W T^-1)(T x). What is quantized is W T^-1, and the layer
/// is given T x, either by changing its inputs or by folding T into what computes them.
///
/// Each function changes one row in place, of inputs() values, float or double, and may be called from several
/// threads at once:
///
///     change_input(x)      x <- T x       a sample
///     change_weights(w)    w <- w T^-1    a row of W
///     restore_weights(w)   w <- w T       back to the original basis
///
/// A transform of a user's own, which turns the inputs' order about:
///
///     struct reversed {
///       bitgauge::index_t n;
///       bitgauge::index_t inputs() const { return n; }
///       template <class T> void change_input(std::span<T> x) const { std::ranges::reverse(x); }
///       template <class T> void change_weights(std::span<T> w) const { std::ranges::reverse(w); }
///       template <class T> void restore_weights(std::span<T> w) const { std::ranges::reverse(w); }
///     };
template <class T>
concept input_transform = requires(const T& t, std::span<float> row, std::span<double> wide) {
  { t.inputs() } -> std::convertible_to<index_t>;
  t.change_input(row);
  t.change_input(wide);
  t.change_weights(row);
  t.change_weights(wide);
  t.restore_weights(row);
  t.restore_weights(wide);
};

namespace detail {

/// A copy of `matrix`, each row changed by `change`; a column vector is one row, as quantize() takes it.
/// `what` begins the message of a shape_error.
template <row_readable Matrix, class Change>
row_matrix changed_rows(const char* what, const Matrix& matrix, index_t inputs, int threads,
                        const Change& change) {
  return with_rows(matrix, [&](const row_source& source) {
    if (source.cols() != inputs)
      raise_message<shape_error>({what, ": expected rows of ", inputs, " inputs, found ", source.cols()});
    row_matrix changed(source.rows(), source.cols());
    constexpr index_t height = 16;
    parallel_for((source.rows() + height - 1) / height, threads, [&](index_t part) {
      const index_t first = part * height, count = std::min(height, source.rows() - first);
      std::vector<float> scratch;
      const auto panel = source.read(first, count, scratch);
      for (index_t r = 0; r < count; ++r) {
        float* const row = changed.data() + (first + r) * inputs;
        std::copy_n(panel.row(r), inputs, row);
        change(std::span(row, static_cast<std::size_t>(inputs)));
      }
    });
    return changed;
  });
}

}  // namespace detail

/// Samples x in -> the samples that a layer of transformed weights is given. Throws shape_error.
template <input_transform T, row_readable Matrix>
row_matrix change_inputs(const T& t, const Matrix& samples, int threads = 0) {
  return detail::changed_rows("transform: samples", samples, t.inputs(), threads,
                              [&](std::span<float> row) { t.change_input(row); });
}

/// W -> W T^-1, out x in. Throws shape_error.
template <input_transform T, row_readable Matrix>
row_matrix change_weights(const T& t, const Matrix& weights, int threads = 0) {
  return detail::changed_rows("transform: weights", weights, t.inputs(), threads,
                              [&](std::span<float> row) { t.change_weights(row); });
}

/// W T^-1, quantized or not, -> W. Throws shape_error.
template <input_transform T, row_readable Matrix>
row_matrix restore_weights(const T& t, const Matrix& weights, int threads = 0) {
  return detail::changed_rows("transform: weights", weights, t.inputs(), threads,
                              [&](std::span<float> row) { t.restore_weights(row); });
}

/// The Hessian of the changed inputs, T H T^T, in double: what GPTQ needs after a transform. Throws shape_error.
template <input_transform T>
hessian change_hessian(const T& t, const hessian& h) {
  const index_t n = t.inputs();
  if (h.inputs() != n)
    detail::raise_message<shape_error>(
        {"transform: expected a Hessian of ", n, " inputs, found ", h.inputs()});
  Eigen::MatrixXd both = h.matrix();
  for (int side = 0; side < 2; ++side) {  // T H, and with H symmetric (T (T H)^T)^T = T H T^T
    for (index_t c = 0; c < n; ++c)
      t.change_input(std::span<double>(both.data() + c * n, static_cast<std::size_t>(n)));
    both.transposeInPlace();
  }
  return hessian::from_matrix(both, h.samples());
}

/// Weights that a transform has rewritten, with the transform.
///
///     const auto s = smooth_quant(W, stats, 0.5f);
///     const auto q = quantize(s.weights(), symmetric<8>{});
///     Y = linear(q)(s.inputs(X));                                // X W^T but for the codes
///     const hessian changed = s.hessian_of(H);
///     quantize(s.weights(), affine<4>{}, gptq{changed});         // with error feedback
template <input_transform T>
class transformed {
 public:
  /// Rewrites W, out x in. Throws shape_error.
  template <class Derived>
  transformed(const Eigen::DenseBase<Derived>& weights, T t, int threads = 0)
      : weights_(bitgauge::change_weights(t, weights, threads)), transform_(std::move(t)) {}

  const row_matrix& weights() const noexcept { return weights_; }
  const T& transform() const noexcept { return transform_; }
  /// Samples x in -> the samples that a layer of weights() is given.
  template <class Derived>
  row_matrix inputs(const Eigen::DenseBase<Derived>& samples, int threads = 0) const {
    return change_inputs(transform_, samples, threads);
  }
  /// The Hessian of those samples.
  hessian hessian_of(const hessian& original) const { return change_hessian(transform_, original); }
  /// Weights in the basis of weights(), such as its dequantized codes, -> the original basis.
  template <class Derived>
  row_matrix restore(const Eigen::DenseBase<Derived>& changed, int threads = 0) const {
    return restore_weights(transform_, changed, threads);
  }

 private:
  row_matrix weights_;
  T transform_;
};

}  // namespace bitgauge
