#pragma once

/// \file
/// From columns of float and the parameters of their runs to packed rows of codes.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/matrix/fit/row_scratch.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/simd/columns.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstdint>

namespace bitgauge::detail {

/// Columns that are encoded together, whose codes wait in a cache until they are packed.
inline constexpr index_t columns_encoded_together = 512;

/// Where the codes of some columns go: packed, to rows that are `row_bytes` apart, from column `column` on, with which
/// a byte begins.
struct packed_rows {
  std::uint8_t* codes;
  index_t row_bytes, column;
  int bits;
  bool past_caches;  ///< see memory_hints
};

/// Encodes columns that begin with a run by the parameters in `s`: those of run i of row r at r * stride + i, a stride
/// of 0 where all rows share them. `room`: for codes that are not yet packed.
inline void encode_columns(const simd::column_panel& x, index_t run, const integer_grid& grid,
                           const row_scratch& s, index_t stride, const packed_rows& out,
                           aligned_buffer<std::uint8_t>& room) {
  // what was fitted in one piece is near
  const bool is_near = stride > 0 && x.cols <= columns_encoded_together;
  constexpr index_t line = 64, fields_stride = columns_encoded_together + line;
  if (out.bits != 8) room.reserve(static_cast<std::size_t>(x.rows * fields_stride));
  for (index_t begin = 0; begin < x.cols; begin += columns_encoded_together) {
    const index_t some = std::min(columns_encoded_together, x.cols - begin), at = begin / run;
    simd::column_panel part = x;
    part.x += begin * x.stride;
    part.cols = some;
    part.begun = begin % run;
    part.behind = x.behind + x.cols - begin - some;
    part.is_near = is_near;
    const auto encode = [&](std::uint8_t* codes, index_t row_stride, bool past_caches) {
      simd::column_kernels().encode_columns(part, run, s.inverse.data() + at, s.zero_point.data() + at,
                                            stride, grid.lowest, grid.highest, codes, row_stride,
                                            past_caches);
    };
    std::uint8_t* const to = out.codes + (out.column + begin) / 8 * out.bits;
    if (out.bits == 8) {
      encode(out.codes + out.column + begin, out.row_bytes, out.past_caches);
      continue;
    }
    for (index_t r = 0; r < x.rows; ++r)
      simd::fetch<true>(to + r * out.row_bytes, packing::dense_bytes(some, out.bits));
    encode(room.data(), fields_stride, false);
    for (index_t r = 0; r < x.rows; ++r)
      simd::pack(room.data() + r * fields_stride, some, out.bits, to + r * out.row_bytes);
  }
}

}  // namespace bitgauge::detail
