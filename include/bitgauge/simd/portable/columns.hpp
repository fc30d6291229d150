#pragma once

/// \file
/// The primitives of quantizing and dequantizing for matrices that lie column after column, and the portable version
/// of each. They do what those of portable/row.hpp do to each of some rows, and give the same bits, but go down the
/// columns: of the floats none is moved, and codes, a quarter of them, are turned instead.
///
/// The rows are divided into runs as there. The parameters of run i of row r are at [r * stride + i]: of a stride of
/// 0, all rows share them.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace bitgauge::simd {

/// Some columns of some rows: element (r, c) is at x[c * stride + r].
struct column_panel {
  const float* x = nullptr;
  index_t stride = 0, rows = 0, cols = 0;
  /// Elements of the run of the first column that lie in columns before it.
  index_t begun = 0;
  /// How it moves through memory; results never depend on it. Columns behind these that are read next: they are
  /// fetched meanwhile, as are the columns themselves, unless they are in a cache.
  index_t behind = 0;
  bool is_near = false;
};

namespace portable {

inline std::uint32_t column_extents(const column_panel& x, index_t run, float* low, float* high,
                                    index_t stride) {
  std::uint32_t largest = 0;
  for (index_t c = 0; c < x.cols; ++c) {
    const float* const column = x.x + c * x.stride;
    for (index_t r = 0; r < x.rows; ++r) {
      const index_t at = r * stride + c / run;
      const float smallest = c % run == 0 ? 0 : low[at], greatest = c % run == 0 ? 0 : high[at];
      low[at] = column[r] < smallest ? column[r] : smallest;
      high[at] = column[r] > greatest ? column[r] : greatest;
      largest = std::max(largest, numeric::magnitude_bits(column[r]));
    }
  }
  return largest;
}

inline void encode_columns(const column_panel& x, index_t run, const float* inverse,
                           const std::int32_t* zero_point, index_t stride, int lowest, int highest,
                           std::uint8_t* codes, index_t row_stride, bool) {
  for (index_t c = 0; c < x.cols; ++c) {
    const float* const column = x.x + c * x.stride;
    const index_t i = (x.begun + c) / run;
    for (index_t r = 0; r < x.rows; ++r) {
      const int zero = zero_point[r * stride + i];
      const auto low = static_cast<float>(lowest - zero), high = static_cast<float>(highest - zero);
      const float steps = column[r] * inverse[r * stride + i];
      const float clamped = steps < low ? low : steps > high ? high : steps;
      codes[r * row_stride + c] = static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(clamped)) + zero);
    }
  }
}

inline void decode_columns(const std::uint8_t* codes, index_t row_stride, index_t rows, index_t cols,
                           index_t begun, index_t run, const float* scale, const std::int32_t* zero_point,
                           index_t stride, bool is_signed, float* out, index_t column_stride, bool) {
  const int sign = is_signed ? 0x80 : 0;
  for (index_t c = 0; c < cols; ++c) {
    const index_t i = (begun + c) / run;
    for (index_t r = 0; r < rows; ++r) {
      const int shift = sign + zero_point[r * stride + i];
      out[c * column_stride + r] =
          scale[r * stride + i] * static_cast<float>((codes[r * row_stride + c] ^ sign) - shift);
    }
  }
}

}  // namespace portable

/// The functions of one instruction set.
struct column_operations {
  /// row_operations::extents of every row; the largest magnitude is that of all. `x.begun` is 0.
  std::uint32_t (*column_extents)(const column_panel& x, index_t run, float* low, float* high,
                                  index_t stride) = portable::column_extents;

  /// row_operations::encode of every row: the code of (r, c) to codes[r * row_stride + c]. `past_caches`: see
  /// memory_hints; for rows of codes that begin at cache lines.
  void (*encode_columns)(const column_panel& x, index_t run, const float* inverse,
                         const std::int32_t* zero_point, index_t stride, int lowest, int highest,
                         std::uint8_t* codes, index_t row_stride,
                         bool past_caches) = portable::encode_columns;

  /// row_operations::decode of every row, into a matrix by columns: the code of (r, c), at codes[r * row_stride + c],
  /// gives out[c * column_stride + r]. `begun` as in column_panel; `past_caches` for columns that begin at cache lines.
  void (*decode_columns)(const std::uint8_t* codes, index_t row_stride, index_t rows, index_t cols,
                         index_t begun, index_t run, const float* scale, const std::int32_t* zero_point,
                         index_t stride, bool is_signed, float* out, index_t column_stride,
                         bool past_caches) = portable::decode_columns;
};

}  // namespace bitgauge::simd
