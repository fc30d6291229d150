#pragma once

/// \file
/// Column-major to row-major with AVX2: blocks of 8 x 8 are turned in registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/row.hpp>

#include <algorithm>

namespace bitgauge::simd::avx2 {
namespace detail {

/// Writes to half h of out[r] the half h of a, b, c, d, turned: lane r of each.
[[BITGAUGE_AVX2, gnu::always_inline]] inline void turn_4(__m256 a, __m256 b, __m256 c, __m256 d,
                                                         __m256* out) {
  const __m256 ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
  const __m256 cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
  out[0] = _mm256_shuffle_ps(ab_low, cd_low, 0x44);
  out[1] = _mm256_shuffle_ps(ab_low, cd_low, 0xee);
  out[2] = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
  out[3] = _mm256_shuffle_ps(ab_high, cd_high, 0xee);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline void transpose_block(const float* x, index_t column_stride,
                                                                  float* out, index_t row_stride) {
  __m256 v[8], t[8];
#pragma GCC unroll 8
  for (index_t c = 0; c < 8; ++c) v[c] = _mm256_loadu_ps(x + c * column_stride);
  turn_4(v[0], v[1], v[2], v[3], t);
  turn_4(v[4], v[5], v[6], v[7], t + 4);
#pragma GCC unroll 4
  for (index_t r = 0; r < 4; ++r) {
    _mm256_storeu_ps(out + r * row_stride, _mm256_permute2f128_ps(t[r], t[r + 4], 0x20));
    _mm256_storeu_ps(out + (r + 4) * row_stride, _mm256_permute2f128_ps(t[r], t[r + 4], 0x31));
  }
}

}  // namespace detail

[[BITGAUGE_AVX2]] inline void transpose(const float* x, index_t column_stride, index_t rows, index_t cols,
                                        float* out, index_t row_stride) {
  constexpr index_t ahead = 32;  // columns lie far apart: no processor foresees the next
  // the shorter side inside: what lies together in a column, read or written, is used up at once
  const bool wide = rows <= cols;
  for (index_t outer = 0; outer < (wide ? cols : rows); outer += 8) {
    for (index_t inner = 0; inner < (wide ? rows : cols); inner += 8) {
      const index_t r = wide ? inner : outer, c = wide ? outer : inner;
      const float* const from = x + c * column_stride + r;
      for (index_t i = c + ahead; i < std::min(c + ahead + 8, cols); ++i)
        _mm_prefetch(reinterpret_cast<const char*>(x + i * column_stride + std::min(r + 15, rows - 1)),
                     _MM_HINT_T1);
      if (r + 8 <= rows && c + 8 <= cols) {
        detail::transpose_block(from, column_stride, out + r * row_stride + c, row_stride);
        continue;
      }
      const index_t block_rows = std::min<index_t>(rows - r, 8), block_cols = std::min<index_t>(cols - c, 8);
      for (index_t i = 0; i < block_rows; ++i)
        for (index_t j = 0; j < block_cols; ++j)
          out[(r + i) * row_stride + c + j] = from[j * column_stride + i];
    }
  }
}

}  // namespace bitgauge::simd::avx2
#endif  // BITGAUGE_X86
