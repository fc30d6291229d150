#pragma once

/// \file
/// What row_sink.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/matrix/rows/row_sink.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// How far an element lies behind the last multiple of a cache line.
inline index_t floats_past_line(const float* data) noexcept {
  return static_cast<index_t>(reinterpret_cast<std::uintptr_t>(data) % 64 / sizeof(float));
}

BITGAUGE_DEFINE void fill_target(const row_target& target, index_t rows, index_t cols, bool is_column_vector,
                                 int threads, const std::function<row_writer()>& begin,
                                 const column_writer& by_columns) {
  if (rows == 0 || cols == 0) return;
  const index_t stored_rows = is_column_vector ? 1 : rows, width = is_column_vector ? rows : cols;
  const index_t along = is_column_vector ? target.row_step : target.col_step;
  const bool in_place = target.data != nullptr && (along == 1 || width == 1);
  const index_t height = row_source::panel_height(in_place, width);
  // Columns longer than caches are written past them, and so are the rows of a panel where they lie at whole lines.
  const bool is_turned = !in_place && target.data != nullptr && target.row_step == 1 && !is_column_vector;
  const bool past_caches = is_turned && rows * cols * index_t{sizeof(float)} >= index_t{8} << 20;
  const index_t shift = past_caches ? floats_past_line(target.data) : 0;
  scratch_pool<std::vector<float>> buffers;
  parallel_for((stored_rows + shift + height - 1) / height, threads, [&](index_t p) {
    const index_t first = std::max<index_t>(p * height - shift, 0);
    const index_t count = std::min((p + 1) * height - shift, stored_rows) - first;
    if (is_turned && by_columns) {
      by_columns(first, count, target.data + first, target.col_step, past_caches);
      return simd::finish_stores();
    }
    const row_writer write = begin();
    if (in_place) {
      for (index_t r = first; r < first + count; ++r) write(r, target.data + r * target.row_step);
      return;
    }
    const index_t stride = count > 1 ? simd::transpose_stride(width) : width;
    const auto borrowed = buffers.borrow();
    float* const buffer = row_source::room_for(count, stride, *borrowed);
    for (index_t r = 0; r < count; ++r) write(first + r, buffer + r * stride);
    if (target.data == nullptr)
      return is_column_vector ? target.store(0, buffer, width, 1, 1)
                              : target.store(first, buffer, count, width, stride);
    if (is_turned) {
      simd::transpose(buffer, stride, width, count, target.data + first, target.col_step, past_caches);
      return simd::finish_stores();
    }
    const index_t step = is_column_vector ? target.row_step : target.col_step;
    for (index_t r = 0; r < count; ++r)
      for (index_t c = 0; c < width; ++c)
        target.data[(first + r) * target.row_step + c * step] = buffer[r * stride + c];
  });
}

}  // namespace bitgauge::detail
