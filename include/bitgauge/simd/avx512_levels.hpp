#pragma once

/// \file
/// Codes of listed levels on AVX-512; see levels.hpp.

#include <bitgauge/simd/x86.hpp>

#if BITGAUGE_X86

#include <algorithm>
#include <cstdint>

BITGAUGE_BEGIN_AVX512

namespace bitgauge::simd::avx512 {
namespace detail {

/// The number of bounds, of 16 in ascending order, that lie below each value: a binary search in registers.
/// At most 15.
[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512i rank_16(__m512 values, __m512 bounds) {
  __m512i rank = _mm512_setzero_si512();
  for (const int step : {8, 4, 2, 1}) {
    const __m512i probe = _mm512_add_epi32(rank, _mm512_set1_epi32(step - 1));
    const __mmask16 below = _mm512_cmp_ps_mask(_mm512_permutexvar_ps(probe, bounds), values, _CMP_LT_OQ);
    rank = _mm512_mask_add_epi32(rank, below, rank, _mm512_set1_epi32(step));
  }
  return rank;
}

}  // namespace detail

[[BITGAUGE_AVX512]] inline void encode_levels(const float* x, index count, float inverse, const float* bounds,
                                              const std::uint8_t* fields, bool by_magnitude,
                                              std::uint8_t* out) {
  const __m512 factor = _mm512_set1_ps(inverse), limits = _mm512_loadu_ps(bounds);
  const __m512i names = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(fields)));
  const __m512i sign_bit = _mm512_set1_epi32(static_cast<int>(0x80000000u));
  for (index i = 0; i < count; i += 16) {
    const auto mask = static_cast<__mmask16>(count - i >= 16 ? 0xffffu : (1u << (count - i)) - 1u);
    const __m512i value = _mm512_castps_si512(_mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor));
    const __m512i sign = by_magnitude ? _mm512_and_si512(value, sign_bit) : _mm512_setzero_si512();
    const __m512i rank = detail::rank_16(_mm512_castsi512_ps(_mm512_xor_si512(value, sign)), limits);
    const __m512i field = _mm512_or_si512(_mm512_permutexvar_epi32(rank, names), _mm512_srli_epi32(sign, 28));
    _mm512_mask_cvtepi32_storeu_epi8(out + i, mask, field);
  }
}

[[BITGAUGE_AVX512]] inline void decode_levels(const std::uint8_t* fields, index count, index run,
                                              const float* scale, const float* levels, int bits, float* out) {
  const __m512 table = bits == 4 ? _mm512_loadu_ps(levels) : _mm512_setzero_ps();
  for (index begin = 0; begin < count; begin += run, ++scale) {
    const index end = std::min(begin + run, count);
    const __m512 factor = _mm512_set1_ps(*scale);
    for (index i = begin; i < end; i += 16) {
      const auto mask = static_cast<__mmask16>(end - i >= 16 ? 0xffffu : (1u << (end - i)) - 1u);
      const __m512i field = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, fields + i));
      const __m512 level =
          bits == 4 ? _mm512_permutexvar_ps(field, table) : _mm512_i32gather_ps(field, levels, 4);
      _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(level, factor));
    }
  }
}

}  // namespace bitgauge::simd::avx512

BITGAUGE_END_AVX512

#endif
