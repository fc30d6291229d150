#pragma once

/// \file
/// Floats laid out once for products with this processor's vectors.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace bitgauge {
namespace kernel {

inline constexpr index_t float_panel_rows = 32;

/// 32 rows of weights, [column][32], or 16 of them, [column][16], and samples that they are multiplied with, rows
/// `x_stride` apart. The first `rows` sums of each sample go to y + sample * y_stride.
struct float_panel_product {
  const float* weights;
  index_t columns, rows;
  index_t panel_rows = float_panel_rows;  ///< 32 or 16
  const float* x;
  index_t samples, x_stride;
  float* y;
  index_t y_stride;
};
BITGAUGE_DECLARE void multiply_float_panel(const float_panel_product& p);

}  // namespace kernel

/// The weights of Y = X W^T over samples x in, W out x in, in floats: what packed_weights is for quantized ones.
///
///     const packed_floats P(W);
///     const row_matrix Y = P.multiply(X);
///
/// A sum goes over the inputs in their order, a product and a sum rounded each: the same bits on every instruction
/// set, for any number of threads and of samples. |Y - X W^T| <= n e |X||W^T| with n inputs and e = 2^-23. Copies
/// share their memory, out x in floats with `out` filled up to a multiple of 32. Several threads may multiply at once.
class packed_floats {
 public:
  packed_floats() = default;
  /// Cost: one pass over the weights.
  explicit packed_floats(const row_matrix& weights, int threads = 0)
      : rows_(weights.rows()), cols_(weights.cols()) {
    const std::shared_ptr<float> values = line_of_floats(panels() * panel_rows * cols_);
    parallel_for(panels(), threads, [&](index_t p) {
      float* to = values.get() + p * panel_rows * cols_;
      const index_t first = p * panel_rows, count = std::min(panel_rows, rows_ - first);
      for (index_t c = 0; c < cols_; ++c, to += panel_rows) {
        for (index_t r = 0; r < count; ++r) to[r] = weights(first + r, c);
        std::fill(to + count, to + panel_rows, 0.0f);
      }
    });
    values_ = values;
  }

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  /// What a product reads.
  index_t bytes() const noexcept { return rows_ * cols_ * static_cast<index_t>(sizeof(float)); }

  /// W as it was. Cost: one pass.
  row_matrix weights() const {
    row_matrix w(rows_, cols_);
    for (index_t r = 0; r < rows_; ++r) {
      const float* const from = panel(r / panel_rows) + r % panel_rows;
      for (index_t c = 0; c < cols_; ++c) w(r, c) = from[c * panel_rows];
    }
    return w;
  }

  /// Y of x, samples x in, which must be as wide as W. NaN and infinity stay in their sample. Cost:
  /// 2 samples * out * in operations.
  row_matrix multiply(const row_matrix& x, int threads = 0) const {
    row_matrix y(x.rows(), rows_);
    constexpr index_t share = 192;  // of samples, whose inputs stay in the cache while panels pass
    const index_t shares = (x.rows() + share - 1) / share;
    parallel_for(panels() * shares, detail::threads_worth(x.rows() * rows_ * cols_, threads),
                 [&](index_t item) {
                   const index_t p = item % panels(), first = item / panels() * share;
                   kernel::multiply_float_panel({.weights = panel(p),
                                                 .columns = cols_,
                                                 .rows = std::min(panel_rows, rows_ - p * panel_rows),
                                                 .panel_rows = panel_rows,
                                                 .x = x.data() + first * cols_,
                                                 .samples = std::min(share, x.rows() - first),
                                                 .x_stride = cols_,
                                                 .y = y.data() + first * rows_ + p * panel_rows,
                                                 .y_stride = rows_});
                 });
    return y;
  }

 private:
  static constexpr index_t panel_rows = kernel::float_panel_rows;

  /// From a cache line on. Not in huge pages: matrices that come and go would leave holes between them.
  static std::shared_ptr<float> line_of_floats(index_t count) {
    constexpr std::align_val_t line{64};
    return {static_cast<float*>(::operator new(static_cast<std::size_t>(count) * sizeof(float), line)),
            [](float* memory) { ::operator delete(memory, line); }};
  }

  index_t panels() const noexcept { return (rows_ + panel_rows - 1) / panel_rows; }
  const float* panel(index_t p) const noexcept { return values_.get() + p * panel_rows * cols_; }

  index_t rows_ = 0, cols_ = 0;
  std::shared_ptr<const float> values_;  // [panel][column][32]
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/packed_floats_definitions.hpp>
#endif
