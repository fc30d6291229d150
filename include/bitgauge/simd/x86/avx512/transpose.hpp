#pragma once

/// \file
/// Column-major to row-major with AVX-512: blocks of 16 x 16 are turned in registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/x86/avx512/vectors.hpp>

#include <algorithm>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd::avx512 {
namespace detail {

/// v[i] lane j becomes v[j] lane i.
[[BITGAUGE_AVX512, gnu::always_inline]] inline void turn_16(__m512 (&v)[16]) {
  __m512 t[16];
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) turn_4(v[i], v[i + 1], v[i + 2], v[i + 3], t + i);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 near_low = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88);
    const __m512 near_high = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
    const __m512 far_low = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88);
    const __m512 far_high = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
    v[i] = _mm512_shuffle_f32x4(near_low, far_low, 0x88);
    v[i + 4] = _mm512_shuffle_f32x4(near_high, far_high, 0x88);
    v[i + 8] = _mm512_shuffle_f32x4(near_low, far_low, 0xdd);
    v[i + 12] = _mm512_shuffle_f32x4(near_high, far_high, 0xdd);
  }
}

/// A block of at most 16 x 16 with masks.
[[BITGAUGE_AVX512]] inline void transpose_edge(const float* x, index_t column_stride, index_t rows,
                                               index_t cols, float* out, index_t row_stride) {
  const auto row_mask = static_cast<__mmask16>((1u << rows) - 1u);
  const auto col_mask = static_cast<__mmask16>((1u << cols) - 1u);
  __m512 v[16];
#pragma GCC unroll 16
  for (index_t c = 0; c < 16; ++c)
    v[c] = c < cols ? _mm512_maskz_loadu_ps(row_mask, x + c * column_stride) : _mm512_setzero_ps();
  turn_16(v);
#pragma GCC unroll 16
  for (index_t r = 0; r < 16; ++r)
    if (r < rows) _mm512_mask_storeu_ps(out + r * row_stride, col_mask, v[r]);
}

template <bool PastCaches>
[[BITGAUGE_AVX512, gnu::always_inline]] inline void transpose_block(const float* x, index_t column_stride,
                                                                    float* out, index_t row_stride,
                                                                    column_fetcher& next) {
  __m512 v[16];
#pragma GCC unroll 16
  for (index_t c = 0; c < 16; ++c) v[c] = _mm512_loadu_ps(x + c * column_stride);
  turn_16(v);
#pragma GCC unroll 16
  for (index_t r = 0; r < 16; ++r) {
    store<PastCaches>(out + r * row_stride, v[r]);
    next.advance();
  }
}

}  // namespace detail

#define BITGAUGE_TIER BITGAUGE_AVX512
#include <bitgauge/simd/x86/transpose_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::simd::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
