#pragma once

/// \file
/// Codes of listed levels with AVX-512: see levels.hpp.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/levels.hpp>

#include <algorithm>
#include <array>
#include <cfloat>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512 {
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

[[BITGAUGE_AVX512]] inline void encode_levels(const float* x, index_t count, float inverse,
                                              const float* bounds, const std::uint8_t* fields,
                                              std::uint8_t* out) {
  const __m512 factor = _mm512_set1_ps(inverse), limits = _mm512_loadu_ps(bounds);
  const __m512i names = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(fields)));
  for (index_t i = 0; i < count; i += 16) {
    const auto mask = static_cast<__mmask16>(count - i >= 16 ? 0xffffu : (1u << (count - i)) - 1u);
    const __m512 value = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
    const __m512i field = _mm512_permutexvar_epi32(detail::rank_16(value, limits), names);
    _mm512_mask_cvtepi32_storeu_epi8(out + i, mask, field);
  }
}

/// The same for up to 256 levels: level_buckets::rank on sixteen values at once.
[[BITGAUGE_AVX512]] inline void encode_many_levels(const float* x, index_t count, float inverse,
                                                   const std::array<float, level_buckets::capacity>& bounds,
                                                   const level_buckets& buckets, const std::uint8_t* fields,
                                                   std::uint8_t* out) {
  const __m512 factor = _mm512_set1_ps(inverse), most = _mm512_set1_ps(FLT_MAX);
  const __m512i magnitude_bits = _mm512_set1_epi32(0x7fffffff), byte = _mm512_set1_epi32(0xff);
  const __m512i lowest = _mm512_set1_epi32(static_cast<int>(buckets.lowest()));
  const __m512i last = _mm512_set1_epi32(static_cast<int>(level_buckets::buckets_per_sign - 1));
  const __m512i others = _mm512_set1_epi32(static_cast<int>(level_buckets::buckets_per_sign));
  const __m128i shift = _mm_cvtsi32_si128(buckets.shift());
  for (index_t i = 0; i < count; i += 16) {
    const auto mask = static_cast<__mmask16>(count - i >= 16 ? 0xffffu : (1u << (count - i)) - 1u);
    __m512 value = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
    value = _mm512_max_ps(_mm512_min_ps(value, most), _mm512_sub_ps(_mm512_setzero_ps(), most));
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i magnitude =
        _mm512_sub_epi32(_mm512_max_epu32(_mm512_and_si512(bits, magnitude_bits), lowest), lowest);
    __m512i bucket = _mm512_min_epu32(_mm512_srl_epi32(magnitude, shift), last);
    bucket = _mm512_mask_add_epi32(bucket, _mm512_movepi32_mask(bits), bucket, others);
    __m512i rank = _mm512_and_si512(_mm512_i32gather_epi32(bucket, buckets.below(), 1), byte);
    for (std::uint32_t step = buckets.first_step(); step > 0; step /= 2) {
      const __m512i probe =
          _mm512_min_epu32(_mm512_add_epi32(rank, _mm512_set1_epi32(static_cast<int>(step - 1))), byte);
      const __mmask16 below =
          _mm512_cmp_ps_mask(_mm512_i32gather_ps(probe, bounds.data(), 4), value, _CMP_LT_OQ);
      rank = _mm512_mask_add_epi32(rank, below, rank, _mm512_set1_epi32(static_cast<int>(step)));
    }
    const __m512i field = _mm512_i32gather_epi32(rank, fields, 1);
    _mm512_mask_cvtepi32_storeu_epi8(out + i, mask, field);
  }
}

[[BITGAUGE_AVX512]] inline void decode_levels(const std::uint8_t* fields, index_t count, index_t run,
                                              const float* scale, const float* levels, int bits, float* out) {
  const __m512 table = bits == 4 ? _mm512_loadu_ps(levels) : _mm512_setzero_ps();
  for (index_t begin = 0; begin < count; begin += run, ++scale) {
    const index_t end = std::min(begin + run, count);
    const __m512 factor = _mm512_set1_ps(*scale);
    for (index_t i = begin; i < end; i += 16) {
      const auto mask = static_cast<__mmask16>(end - i >= 16 ? 0xffffu : (1u << (end - i)) - 1u);
      const __m512i field = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, fields + i));
      const __m512 level =
          bits == 4 ? _mm512_permutexvar_ps(field, table) : _mm512_i32gather_ps(field, levels, 4);
      _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(level, factor));
    }
  }
}

}  // namespace avx512

template <>
constexpr void improve<instruction_set::avx512>(level_operations& operations) {
  operations.encode_levels = avx512::encode_levels;
  operations.encode_many_levels = avx512::encode_many_levels;
}
template <>
constexpr void improve<instruction_set::avx512>(level_decoding_operations& operations) {
  operations.decode_levels = avx512::decode_levels;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
