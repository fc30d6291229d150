#pragma once

/// \file
/// Weights rotated on the side of their inputs, of their outputs, or on both.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace bitgauge {

/// Which sides of W are rotated.
enum class rotated_sides : std::uint8_t {
  inputs,   ///< W V^T: outliers of activations and of columns of W are spread
  outputs,  ///< U W: outliers of rows of W
  both,     ///< U W V^T: "incoherence processing", no entry of W much larger than others
};

/// How rotate() rotates.
struct rotate_options {
  std::uint64_t seed = 0;  ///< of the signs of inputs; those of outputs have the seed ~seed
  rotated_sides sides = rotated_sides::both;
  index_t block = 0;  ///< as in rotation_options, for each side that is rotated
  int threads = 0;    ///< at most; 0: as many as parallel_for likes
};

/// W' = U W V^T for random rotations U of outputs and V of inputs: y' = W' (V x), y = U^T y'.
class rotated {
 public:
  /// See rotate().
  template <class Derived>
  rotated(const Eigen::DenseBase<Derived>& weights, const rotate_options& how) : rows_(weights.rows()) {
    if (how.sides != rotated_sides::outputs)
      input_.emplace(weights.cols(), rotation_options{how.seed, how.block});
    if (how.sides != rotated_sides::inputs)
      output_.emplace(weights.rows(), rotation_options{~how.seed, how.block});
    weights_ = input_ ? change_weights(*input_, weights, how.threads)
                      : unchanged(weights, weights.cols(), how.threads);
    if (output_)
      change_columns(weights_, how.threads,
                     [this](std::span<float> column) { output_->change_input(column); });
  }

  const row_matrix& weights() const noexcept { return weights_; }
  /// V and U; empty where that side is not rotated.
  const std::optional<rotation>& input_rotation() const noexcept { return input_; }
  const std::optional<rotation>& output_rotation() const noexcept { return output_; }

  /// Samples x in -> V x, what a layer of weights() is given. Throws shape_error.
  template <class Derived>
  row_matrix inputs(const Eigen::DenseBase<Derived>& samples, int threads = 0) const {
    if (input_) return change_inputs(*input_, samples, threads);
    return unchanged(samples, weights_.cols(), threads);
  }
  /// Samples x out of a layer of weights() -> U^T y', the outputs of W. Throws shape_error.
  template <class Derived>
  row_matrix outputs(const Eigen::DenseBase<Derived>& samples, int threads = 0) const {
    if (output_) return restore_weights(*output_, samples, threads);
    return unchanged(samples, rows_, threads);
  }
  /// V H V^T, what GPTQ needs with weights(). Outputs do not matter to it. Throws shape_error.
  hessian hessian_of(const hessian& original) const {
    return input_ ? change_hessian(*input_, original) : original;
  }
  /// U^T Q V: weights in the basis of weights(), such as its dequantized codes, -> the original basis. Throws
  /// shape_error.
  template <class Derived>
  row_matrix restore(const Eigen::DenseBase<Derived>& changed, int threads = 0) const {
    if (changed.rows() != rows_)
      detail::raise_message<shape_error>(
          {"rotated: weights: expected ", rows_, " rows, found ", changed.rows()});
    row_matrix original =
        input_ ? restore_weights(*input_, changed, threads) : unchanged(changed, weights_.cols(), threads);
    if (output_)
      change_columns(original, threads,
                     [this](std::span<float> column) { output_->restore_weights(column); });
    return original;
  }

 private:
  /// A few columns at a time, side by side in memory.
  template <class Change>
  static void change_columns(row_matrix& matrix, int threads, const Change& change) {
    constexpr index_t width = 16;
    parallel_for((matrix.cols() + width - 1) / width, threads, [&](index_t part) {
      const index_t first = part * width, count = std::min(width, matrix.cols() - first);
      Eigen::MatrixXf columns = matrix.middleCols(first, count);
      for (index_t c = 0; c < count; ++c)
        change(std::span(columns.col(c).data(), detail::as_size(columns.rows())));
      matrix.middleCols(first, count) = columns;
    });
  }

  /// A copy, of the shape that a rotation would ask for.
  template <class Derived>
  static row_matrix unchanged(const Eigen::DenseBase<Derived>& matrix, index_t columns, int threads) {
    return detail::changed_rows("transform: rows", matrix, columns, threads, [](std::span<float>) {});
  }

  index_t rows_;
  std::optional<rotation> input_, output_;
  row_matrix weights_;
};

/// Rotates W, out x in, so that no entry stands out, and its inputs with it:
///
///     const rotated r = rotate(W, {.seed = 7});
///     const auto q = quantize(r.weights(), symmetric<4>{});
///     const auto Y = r.outputs(linear(q)(r.inputs(X)));            // X W^T but for the codes
///     const hessian changed = r.hessian_of(H);
///     quantize(r.weights(), symmetric<4>{}, gptq{changed});        // with error feedback
///     r.restore(q.dequantize());                                   // in the original basis
///
/// Throws shape_error for a matrix without rows or columns, on the sides that are rotated, and for a block that
/// has no Hadamard matrix. Cost: out in (log2 in + log2 out) sums where both are powers of two; see hadamard.
/// Source: Tseng et al., QuIP#, arXiv 2402.04396, after Chee et al., QuIP, arXiv 2307.13304.
template <class Derived>
rotated rotate(const Eigen::DenseBase<Derived>& weights, const rotate_options& how = {}) {
  return rotated(weights, how);
}

}  // namespace bitgauge
