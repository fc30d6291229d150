#pragma once

/// \file
/// What row_sink.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/matrix/row_sink.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::detail {

BITGAUGE_DEFINE void fill_target(const row_target& target, index_t rows, index_t cols, bool is_column_vector,
                                 int threads, const std::function<row_writer()>& begin) {
  if (rows == 0 || cols == 0) return;
  const index_t stored_rows = is_column_vector ? 1 : rows, width = is_column_vector ? rows : cols;
  const index_t along = is_column_vector ? target.row_step : target.col_step;
  const bool in_place = target.data != nullptr && (along == 1 || width == 1);
  const index_t height = row_source::panel_height(in_place, width);
  scratch_pool<std::vector<float>> buffers;
  parallel_for((stored_rows + height - 1) / height, threads, [&](index_t p) {
    const index_t first = p * height, count = std::min(height, stored_rows - first);
    const row_writer write = begin();
    if (in_place) {
      for (index_t r = first; r < first + count; ++r) write(r, target.data + r * target.row_step);
      return;
    }
    const index_t stride = count > 1 ? simd::transpose_stride(width) : width;
    const auto borrowed = buffers.borrow();
    std::vector<float>& buffer = *borrowed;
    buffer.resize(static_cast<std::size_t>(count * stride));
    for (index_t r = 0; r < count; ++r) write(first + r, buffer.data() + r * stride);
    if (target.data == nullptr)
      return is_column_vector ? target.store(0, buffer.data(), width, 1, 1)
                              : target.store(first, buffer.data(), count, width, stride);
    if (target.row_step == 1 && !is_column_vector)  // columns are contiguous
      return simd::row_kernels().transpose(buffer.data(), stride, width, count, target.data + first,
                                           target.col_step);
    const index_t step = is_column_vector ? target.row_step : target.col_step;
    for (index_t r = 0; r < count; ++r)
      for (index_t c = 0; c < width; ++c)
        target.data[(first + r) * target.row_step + c * step] =
            buffer[static_cast<std::size_t>(r * stride + c)];
  });
}

}  // namespace bitgauge::detail
