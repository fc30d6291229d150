#pragma once

/// \file
/// A tensor whose weights a transform rewrites before they are quantized.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/stored/any_transform.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>
#include <bitgauge/transform/transform.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// What becomes of a tensor, its samples and their Hessian.
class rewritten_tensor {
 public:
  /// `samples` and `h` may be null.
  rewritten_tensor(stored_transform t, const row_source& values, const row_matrix* samples, const hessian* h,
                   int threads)
      : transform_(std::move(t)), rows_(transform_, values.cols()) {
    const any_transform& inputs = rows_.inputs();
    weights_ = change_weights(inputs, values, threads);
    for (std::size_t r = 0; r < transform_.output_factors.size(); ++r)
      weights_.row(static_cast<index_t>(r)) /= transform_.output_factors[r];
    if (samples != nullptr) samples_ = change_inputs(inputs, *samples, threads);
    if (h != nullptr) hessian_ = change_hessian(inputs, *h);
  }

  const stored_transform& transform() const noexcept { return transform_; }
  const restored_rows& rows() const noexcept { return rows_; }
  row_source weights() const {
    return {weights_.data(), weights_.rows(), weights_.cols(), weights_.cols(), 1};
  }
  /// How much the error of each column counts once columns have factors: the square of the inverse as much.
  importance weights_of(importance columns) const {
    const std::vector<float>& factors = transform_.input_factors;
    for (std::size_t i = 0; i < columns.weights.size() && !factors.empty(); ++i) {
      const float s = factors[i % factors.size()];
      columns.weights[i] = columns.weights[i] / s / s;
    }
    return columns;
  }
  const row_matrix* samples() const noexcept { return samples_ ? &*samples_ : nullptr; }
  const hessian* h() const noexcept { return hessian_ ? &*hessian_ : nullptr; }

 private:
  stored_transform transform_;
  restored_rows rows_;
  row_matrix weights_;
  std::optional<row_matrix> samples_;
  std::optional<hessian> hessian_;
};

/// Some rows of such a tensor once quantized, as they are in the original basis.
template <row_decodable Part>
class restored_part {
 public:
  /// The rows from `first` on.
  restored_part(const Part& part, index_t first, const restored_rows& basis)
      : part_(part), first_(first), basis_(basis) {}

  index_t rows() const { return part_.rows(); }
  index_t cols() const { return part_.cols(); }
  void dequantize_row(index_t row, float* out) const {
    part_.dequantize_row(row, out);
    basis_.restore(first_ + row, out);
  }
  template <class Plain = row_matrix>
  Plain dequantize(int = 0) const {
    row_matrix all(rows(), cols());
    for (index_t r = 0; r < rows(); ++r) dequantize_row(r, all.data() + r * cols());
    return all;
  }

 private:
  const Part& part_;
  index_t first_;
  const restored_rows& basis_;
};

}  // namespace bitgauge::detail
