#pragma once

/// \file
/// The row primitives with AVX-512 F, BW, DQ and VL.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/row.hpp>
#include <bitgauge/simd/x86/avx512/parameters.hpp>
#include <bitgauge/simd/x86/avx512/transpose.hpp>
#include <bitgauge/simd/x86/avx512/vectors.hpp>

#include <algorithm>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512 {
namespace detail {

[[BITGAUGE_AVX512, gnu::always_inline]] inline integers greatest_magnitude(floats x, integers largest) {
  return _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(x), all(0x7fffffff)), largest);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline std::uint32_t greatest_lane(integers v) {
  return _mm512_reduce_max_epu32(v);
}

/// The 128-bit quarters of the result: v[0] reduced to one quarter, v[4], v[8], v[12].
template <bool Greatest>
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats reduce_to_128(const floats* v) {
  const floats ab =
      choose<Greatest>(_mm512_shuffle_f32x4(v[0], v[4], 0x44), _mm512_shuffle_f32x4(v[0], v[4], 0xee));
  const floats cd =
      choose<Greatest>(_mm512_shuffle_f32x4(v[8], v[12], 0x44), _mm512_shuffle_f32x4(v[8], v[12], 0xee));
  return choose<Greatest>(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __m128i encode_vector(floats x, const encoder& e) {
  return _mm512_cvtepi32_epi8(encode_lanes(x, e));
}

/// Elements that are encoded together: those of a vector.
inline constexpr index_t block = width;
inline constexpr bool writes_past_caches = true;

inline void encode_block(const float*, const encoder&, std::uint8_t*) {}

[[BITGAUGE_AVX512, gnu::always_inline]] inline integers widened(__m128i codes) {
  return _mm512_cvtepu8_epi32(codes);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __m128i load_codes(const std::uint8_t* codes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes));
}
/// The first min(16, left) codes.
[[BITGAUGE_AVX512, gnu::always_inline]] inline __m128i load_codes(const std::uint8_t* codes, index_t left) {
  return _mm_maskz_loadu_epi8(lanes(left), codes);
}

template <bool PastCaches>
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store_codes(std::uint8_t* codes, __m128i bytes) {
  if constexpr (PastCaches)
    _mm_stream_si128(reinterpret_cast<__m128i*>(codes), bytes);
  else
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), bytes);
}
/// The first min(16, left) codes.
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store_codes(std::uint8_t* codes, index_t left,
                                                                __m128i bytes) {
  _mm_mask_storeu_epi8(codes, lanes(left), bytes);
}

}  // namespace detail

#define BITGAUGE_TIER BITGAUGE_AVX512
#include <bitgauge/simd/x86/row_body.hpp>
#undef BITGAUGE_TIER

}  // namespace avx512

template <>
constexpr void improve<instruction_set::avx512>(row_operations& operations) {
  operations.scales = avx512::scales;
  operations.inverses = avx512::inverses;
  operations.zero_points = avx512::zero_points;
  operations.encode = avx512::encode;
  operations.decode = avx512::decode;
}
template <>
constexpr void improve<instruction_set::avx512>(extent_operations& operations) {
  operations.extents = avx512::extents;
}
template <>
constexpr void improve<instruction_set::avx512>(transpose_operations& operations) {
  operations.transpose = avx512::transpose;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
