#pragma once

/// \file
/// What row_product.hpp declares.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/simd/lanes/vector.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace bitgauge::kernel {
namespace detail {

/// Rows that are multiplied together, two panels of 16; columns that are, which stay in the first-level cache;
/// samples of a tile, and of which the floats are laid out together.
inline constexpr index_t rows_of_panel = 16, rows_together = 32, columns_together = 256, samples_of_tile = 12,
                         samples_together = 42 * samples_of_tile;

/// A panel, [column][16], by `Samples` samples of a tile, [column][width]: y[sample * stride + row] grows. A
/// product and a sum may be fused here, where the processor can.
template <int Width, int Samples>
[[gnu::always_inline]] inline void multiply_panel(const float* w, const float* x, index_t width,
                                                  index_t columns, float* y, index_t stride) {
  constexpr int lanes = Width / 4, vectors = static_cast<int>(rows_of_panel) / lanes;
  using floats = simd::vector<float, lanes>;
  floats sum[std::size_t{Samples}][std::size_t{vectors}];
  for (int s = 0; s < Samples; ++s) std::memcpy(sum[s], y + s * stride, sizeof sum[s]);
  for (index_t c = 0; c < columns; ++c, w += rows_of_panel, x += width) {
    floats weights[std::size_t{vectors}];
    std::memcpy(weights, w, sizeof weights);
#pragma GCC unroll 12
    for (int s = 0; s < Samples; ++s)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[s][v] += weights[v] * x[s];
  }
  for (int s = 0; s < Samples; ++s) std::memcpy(y + s * stride, sum[s], sizeof sum[s]);
}

/// All samples of a tile: as many at a time as registers hold, then one by one.
template <int Width>
[[gnu::always_inline]] inline void multiply_tile(const float* w, const float* x, index_t width,
                                                 index_t columns, float* y, index_t stride) {
  constexpr int most = Width == 64 ? 12 : Width == 32 ? 6 : 3;
  index_t s = 0;
  for (; s + most <= width; s += most)
    multiply_panel<Width, most>(w, x + s, width, columns, y + s * stride, stride);
  if constexpr (most > 4)
    for (; s + 4 <= width; s += 4) multiply_panel<Width, 4>(w, x + s, width, columns, y + s * stride, stride);
  for (; s < width; ++s) multiply_panel<Width, 1>(w, x + s, width, columns, y + s * stride, stride);
}

/// What a thread needs; kept from call to call.
struct row_product_scratch {
  bitgauge::detail::aligned_buffer<float> rows, panels, y;
  std::vector<float> samples;
};
struct sample_tiles {
  bitgauge::detail::aligned_buffer<float> floats;  ///< [tile][column][sample]
};
template <class T>
bitgauge::detail::scratch_pool<T>& row_product_pool() {
  static bitgauge::detail::scratch_pool<T> pool;
  return pool;
}

/// The product of up to rows_together rows from `first_row` on and `samples` samples in tiles.
inline void multiply_some_rows(const row_decoder& w, index_t first_row, const float* x, index_t samples,
                               row_product_scratch& own) {
  const auto size = [](index_t count) { return static_cast<std::size_t>(count); };
  const index_t count = std::min(rows_together, w.rows - first_row), stride = simd::transpose_stride(w.cols);
  float* const rows = own.rows.reserve(size(rows_together * stride));
  for (index_t r = 0; r < count; ++r) w.decode(w.weights, first_row + r, rows + r * stride);
  std::memset(rows + count * stride, 0, size((rows_together - count) * stride) * sizeof(float));
  float* const y = own.y.reserve(size(samples * rows_together));
  std::memset(y, 0, size(samples * rows_together) * sizeof(float));
  float* const panel = own.panels.reserve(size(columns_together * rows_of_panel));
  for (index_t column = 0; column < w.cols; column += columns_together) {
    const index_t columns = std::min(columns_together, w.cols - column);
    for (index_t first = 0; first < rows_together; first += rows_of_panel) {
      simd::transpose(rows + first * stride + column, stride, columns, rows_of_panel, panel, rows_of_panel,
                      false);
      simd::multiversion([&](auto vector_bytes) __attribute__((always_inline)) {
        for (index_t begin = 0; begin < samples; begin += samples_of_tile) {
          const index_t width = std::min(samples_of_tile, samples - begin);
          multiply_tile<vector_bytes()>(panel, x + begin * w.cols + column * width, width, columns,
                                        y + begin * rows_together + first, rows_together);
        }
      });
    }
  }
}

}  // namespace detail

BITGAUGE_DEFINE void multiply_rows(const row_decoder& w, const row_source& x, const product_target& y,
                                   int threads) {
  const auto shared = detail::row_product_pool<detail::sample_tiles>().borrow();
  for (index_t first = 0; first < x.rows(); first += detail::samples_together) {
    const index_t samples = std::min(detail::samples_together, x.rows() - first);
    float* const tiles = shared->floats.reserve(static_cast<std::size_t>(samples * w.cols));
    const index_t tile_count = (samples + detail::samples_of_tile - 1) / detail::samples_of_tile;
    parallel_for(tile_count, threads, [&](index_t tile) {
      const auto own = detail::row_product_pool<detail::row_product_scratch>().borrow();
      const index_t begin = tile * detail::samples_of_tile;
      const index_t width = std::min(detail::samples_of_tile, samples - begin);
      const row_source::panel rows = x.read(first + begin, width, own->samples);
      simd::transpose(rows.data, rows.stride, w.cols, width, tiles + begin * w.cols, width, false);
    });
    parallel_for((w.rows + detail::rows_together - 1) / detail::rows_together, threads, [&](index_t item) {
      const auto own = detail::row_product_pool<detail::row_product_scratch>().borrow();
      const index_t first_row = item * detail::rows_together;
      detail::multiply_some_rows(w, first_row, tiles, samples, *own);
      for (index_t s = 0; s < samples; ++s)
        y.store(y, first_row, first + s, own->y.data() + s * detail::rows_together,
                std::min(detail::rows_together, w.rows - first_row));
    });
  }
}

}  // namespace bitgauge::kernel
