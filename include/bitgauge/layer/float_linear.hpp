#pragma once

/// \file
/// A linear layer that stays in floats.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/kernel/packed_floats.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>

namespace bitgauge {

/// Y = X W^T over samples x in, W out x in, both in rows of floats: what linear is for quantized weights. The same
/// bits for any number of threads and on every processor, see packed_floats.
class float_linear {
 public:
  float_linear() = default;
  explicit float_linear(const row_matrix& weights, int threads = 0)
      : weights_(weights, threads), threads_(threads) {}

  index_t inputs() const noexcept { return weights_.cols(); }
  index_t outputs() const noexcept { return weights_.rows(); }
  /// W as it was given. Cost: one pass.
  row_matrix weights() const { return weights_.weights(); }
  index_t bytes() const noexcept { return weights_.bytes(); }

  /// Y, samples x out. Throws shape_error unless a sample (row) has inputs() values.
  row_matrix operator()(const row_matrix& x) const {
    if (x.cols() != inputs())
      detail::raise_message<shape_error>(
          {"linear of ", inputs(), " inputs: expected samples as rows, found ", x.rows(), " x ", x.cols()});
    return weights_.multiply(x, threads_);
  }

 private:
  packed_floats weights_;
  int threads_ = 0;
};

}  // namespace bitgauge
