#pragma once

/// \file
/// The row primitives with AVX2.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/row.hpp>
#include <bitgauge/simd/x86/avx2/bits.hpp>
#include <bitgauge/simd/x86/avx2/transpose.hpp>
#include <bitgauge/simd/x86/avx2/vectors.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {
namespace avx2 {
namespace detail {

[[BITGAUGE_AVX2, gnu::always_inline]] inline integers greatest_magnitude(floats x, integers largest) {
  return _mm256_max_epu32(_mm256_and_si256(_mm256_castps_si256(x), all(0x7fffffff)), largest);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline std::uint32_t greatest_lane(integers v) {
  __m128i half = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(half));
}

/// The 128-bit halves of the result: v[0] reduced to one half, v[4].
template <bool Greatest>
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats reduce_to_128(const floats* v) {
  return choose<Greatest>(_mm256_permute2f128_ps(v[0], v[4], 0x20), _mm256_permute2f128_ps(v[0], v[4], 0x31));
}

/// Codes in the low byte of each lane, the others zero.
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers encode_bytes(floats x, const encoder& e) {
  return _mm256_and_si256(encode_lanes(x, e), all(0xff));
}

/// The codes of a vector are the low eight bytes.
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m128i encode_vector(floats x, const encoder& e) {
  const integers codes = encode_bytes(x, e);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
  return _mm_packus_epi16(words, words);
}

/// Elements that are encoded together.
inline constexpr index_t block = 32;
inline constexpr bool writes_past_caches = false;

[[BITGAUGE_AVX2, gnu::always_inline]] inline void encode_block(const float* x, const encoder& e,
                                                               std::uint8_t* codes) {
  const __m256i first = _mm256_packs_epi32(encode_bytes(load(x), e), encode_bytes(load(x + 8), e));
  const __m256i second = _mm256_packs_epi32(encode_bytes(load(x + 16), e), encode_bytes(load(x + 24), e));
  const __m256i by_half = _mm256_packus_epi16(first, second);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), _mm256_permutevar8x32_epi32(by_half, order));
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline integers widened(__m128i codes) {
  return _mm256_cvtepu8_epi32(codes);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline __m128i load_codes(const std::uint8_t* codes) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
}
/// The first min(8, left) codes.
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m128i load_codes(const std::uint8_t* codes, index_t left) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, codes, static_cast<std::size_t>(std::min<index_t>(left, 8)));
  return _mm_cvtsi64_si128(static_cast<long long>(bytes));
}

template <bool /*PastCaches*/>
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store_codes(std::uint8_t* codes, __m128i bytes) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(codes), bytes);
}
/// The first min(8, left) codes.
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store_codes(std::uint8_t* codes, index_t left,
                                                              __m128i bytes) {
  const long long eight = _mm_cvtsi128_si64(bytes);
  std::memcpy(codes, &eight, static_cast<std::size_t>(std::min<index_t>(left, 8)));
}

}  // namespace detail

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/simd/x86/row_body.hpp>
#undef BITGAUGE_TIER

}  // namespace avx2

template <>
constexpr void improve<instruction_set::avx2>(row_operations& operations) {
  operations.encode = avx2::encode;
  operations.decode = avx2::decode;
}
template <>
constexpr void improve<instruction_set::avx2>(extent_operations& operations) {
  operations.extents = avx2::extents;
}
template <>
constexpr void improve<instruction_set::avx2>(bit_operations& operations) {
  operations.pack = avx2::pack;
  operations.unpack = avx2::unpack;
}
template <>
constexpr void improve<instruction_set::avx2>(transpose_operations& operations) {
  operations.transpose = avx2::transpose;
}

}  // namespace bitgauge::simd
#endif  // BITGAUGE_X86
