#pragma once

/// \file
/// The words in which row_body.hpp and transpose_body.hpp are written, with AVX-512 F, BW, DQ and VL.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <algorithm>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd::avx512::detail {

using floats = __m512;
using integers = __m512i;
using mask = __mmask16;
inline constexpr int width = 16;

/// The lanes that hold one of the next `left` elements.
[[BITGAUGE_AVX512, gnu::always_inline]] inline mask lanes(index_t left) {
  return left >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << left) - 1u);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline floats all(float value) {
  return _mm512_set1_ps(value);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers all(int value) {
  return _mm512_set1_epi32(value);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats load(const float* x) {
  return _mm512_loadu_ps(x);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats load(const float* x, mask some) {
  return _mm512_maskz_loadu_ps(some, x);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers load(const std::int32_t* x, mask some) {
  return _mm512_maskz_loadu_epi32(some, x);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store(float* x, floats v) {
  _mm512_storeu_ps(x, v);
}
/// Past the caches where `PastCaches`: `x` then lies at a multiple of the vector.
template <bool PastCaches>
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store(float* x, floats v) {
  if constexpr (PastCaches)
    _mm512_stream_ps(x, v);
  else
    store(x, v);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store(float* x, mask some, floats v) {
  _mm512_mask_storeu_ps(x, some, v);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline floats smaller(floats a, floats b) {
  return _mm512_min_ps(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats greater(floats a, floats b) {
  return _mm512_max_ps(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats product(floats a, floats b) {
  return _mm512_mul_ps(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers sum(integers a, integers b) {
  return _mm512_add_epi32(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers difference(integers a, integers b) {
  return _mm512_sub_epi32(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers nearest_integers(floats v) {
  return _mm512_cvtps_epi32(v);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats to_floats(integers v) {
  return _mm512_cvtepi32_ps(v);
}

/// Within each 128 bits: a0 b0 a1 b1; a2 b2 a3 b3; a0 a1 b0 b1; a2 a3 b2 b3.
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats interleaved_low(floats a, floats b) {
  return _mm512_unpacklo_ps(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats interleaved_high(floats a, floats b) {
  return _mm512_unpackhi_ps(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats joined_low(floats a, floats b) {
  return _mm512_shuffle_ps(a, b, 0x44);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats joined_high(floats a, floats b) {
  return _mm512_shuffle_ps(a, b, 0xee);
}

#define BITGAUGE_TIER BITGAUGE_AVX512
#include <bitgauge/simd/x86/vector_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::simd::avx512::detail
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
