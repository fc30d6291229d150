#pragma once

/// \file
/// A linear layer that stays in floats.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/row_matrix.hpp>
#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>

#include <algorithm>
#include <utility>

namespace bitgauge {

/// Y = X W^T over samples x in, W out x in, both in rows of floats: what linear is for quantized weights. The same
/// bits for any number of threads.
class float_linear {
 public:
  float_linear() = default;
  explicit float_linear(row_matrix weights, int threads = 0)
      : weights_(std::move(weights)), threads_(threads) {}

  index_t inputs() const noexcept { return weights_.cols(); }
  index_t outputs() const noexcept { return weights_.rows(); }
  const row_matrix& weights() const noexcept { return weights_; }
  index_t bytes() const noexcept { return weights_.size() * static_cast<index_t>(sizeof(float)); }

  /// Y, samples x out. Throws shape_error unless a sample (row) has inputs() values.
  row_matrix operator()(const row_matrix& x) const {
    if (x.cols() != inputs())
      detail::raise_message<shape_error>(
          {"linear of ", inputs(), " inputs: expected samples as rows, found ", x.rows(), " x ", x.cols()});
    row_matrix y(x.rows(), outputs());
    const index_t in = inputs(), out = outputs(), samples = x.rows();
    if (y.size() == 0) return y;
    const detail::serial_products serial;
    constexpr index_t tile = 128;
    parallel_for((out + tile - 1) / tile, threads_, [&](index_t t) {
      const index_t first = t * tile, count = std::min(tile, out - first);
      numeric::multiply<float>({y.data() + first, count, samples, out},
                               {weights_.data() + first * in, in, count, in}, {x.data(), in, samples, in});
    });
    return y;
  }

 private:
  row_matrix weights_;
  int threads_ = 0;
};

}  // namespace bitgauge
