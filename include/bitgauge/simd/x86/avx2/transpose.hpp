#pragma once

/// \file
/// Column-major to row-major with AVX2: blocks of 8 x 8 are turned in registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/x86/avx2/vectors.hpp>

#include <algorithm>
#include <cstdint>

namespace bitgauge::simd::avx2 {
namespace detail {

/// v[i] lane j becomes v[j] lane i.
[[BITGAUGE_AVX2, gnu::always_inline]] inline void turn_8(__m256 (&v)[8]) {
  __m256 t[8];
  turn_4(v[0], v[1], v[2], v[3], t);
  turn_4(v[4], v[5], v[6], v[7], t + 4);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
    v[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
  }
}

template <bool PastCaches>
[[BITGAUGE_AVX2, gnu::always_inline]] inline void transpose_block(const float* x, index_t column_stride,
                                                                  float* out, index_t row_stride,
                                                                  column_fetcher& next) {
  __m256 v[8];
#pragma GCC unroll 8
  for (index_t c = 0; c < 8; ++c) v[c] = _mm256_loadu_ps(x + c * column_stride);
  turn_8(v);
#pragma GCC unroll 8
  for (index_t r = 0; r < 8; ++r) {
    store<PastCaches>(out + r * row_stride, v[r]);
    if (r % 2 == 1) next.advance();
  }
}

/// A block of less than 8 x 8.
[[BITGAUGE_AVX2]] inline void transpose_edge(const float* x, index_t column_stride, index_t rows,
                                             index_t cols, float* out, index_t row_stride) {
  for (index_t r = 0; r < rows; ++r)
    for (index_t c = 0; c < cols; ++c) out[r * row_stride + c] = x[c * column_stride + r];
}

}  // namespace detail

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/simd/x86/transpose_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::simd::avx2
#endif  // BITGAUGE_X86
