#pragma once

/// \file
/// The words in which row_body.hpp and transpose_body.hpp are written, with AVX2.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <algorithm>
#include <cstdint>

namespace bitgauge::simd::avx2::detail {

using floats = __m256;
using integers = __m256i;
using mask = __m256i;
inline constexpr int width = 8;

/// The lanes that hold one of the next `left` elements.
[[BITGAUGE_AVX2, gnu::always_inline]] inline mask lanes(index_t left) {
  const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(std::min<index_t>(left, 8))), number);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline floats all(float value) {
  return _mm256_set1_ps(value);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers all(int value) {
  return _mm256_set1_epi32(value);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats load(const float* x) {
  return _mm256_loadu_ps(x);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats load(const float* x, mask some) {
  return _mm256_maskload_ps(x, some);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers load(const std::int32_t* x, mask some) {
  return _mm256_maskload_epi32(x, some);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store(float* x, floats v) {
  _mm256_storeu_ps(x, v);
}
/// Past the caches where `PastCaches`: `x` then lies at a multiple of the vector.
template <bool PastCaches>
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store(float* x, floats v) {
  if constexpr (PastCaches)
    _mm256_stream_ps(x, v);
  else
    store(x, v);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store(float* x, mask some, floats v) {
  _mm256_maskstore_ps(x, some, v);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline floats smaller(floats a, floats b) {
  return _mm256_min_ps(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats greater(floats a, floats b) {
  return _mm256_max_ps(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats product(floats a, floats b) {
  return _mm256_mul_ps(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers sum(integers a, integers b) {
  return _mm256_add_epi32(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers difference(integers a, integers b) {
  return _mm256_sub_epi32(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers nearest_integers(floats v) {
  return _mm256_cvtps_epi32(v);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats to_floats(integers v) {
  return _mm256_cvtepi32_ps(v);
}

/// Within each 128 bits: a0 b0 a1 b1; a2 b2 a3 b3; a0 a1 b0 b1; a2 a3 b2 b3.
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats interleaved_low(floats a, floats b) {
  return _mm256_unpacklo_ps(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats interleaved_high(floats a, floats b) {
  return _mm256_unpackhi_ps(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats joined_low(floats a, floats b) {
  return _mm256_shuffle_ps(a, b, 0x44);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats joined_high(floats a, floats b) {
  return _mm256_shuffle_ps(a, b, 0xee);
}

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/simd/x86/vector_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::simd::avx2::detail
#endif  // BITGAUGE_X86
