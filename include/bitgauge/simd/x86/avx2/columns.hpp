#pragma once

/// \file
/// The column primitives with AVX2.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/columns.hpp>
#include <bitgauge/simd/x86/avx2/row.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {
namespace avx2 {
namespace detail {

[[BITGAUGE_AVX2, gnu::always_inline]] inline floats as_floats(integers v) {
  return _mm256_castsi256_ps(v);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers as_integers(floats v) {
  return _mm256_castps_si256(v);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers exclusive_or(integers a, integers b) {
  return _mm256_xor_si256(a, b);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline void turn(floats (&v)[width]) {
  turn_8(v);
}

/// The low bytes of each lane of a, b, c, d, in this order.
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers joined_bytes(integers a, integers b, integers c,
                                                                   integers d) {
  const __m256i low = _mm256_blendv_epi8(_mm256_slli_epi32(b, 8), a, all(0xff));
  const __m256i high = _mm256_blendv_epi8(_mm256_slli_epi32(d, 8), c, all(0xff));
  return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa);
}

/// Byte k of each lane, unsigned.
template <int K>
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers byte_of(integers words) {
  return K == 3 ? _mm256_srli_epi32(words, 24) : _mm256_and_si256(_mm256_srli_epi32(words, 8 * K), all(0xff));
}

/// The first min(32, left) bytes.
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats load_bytes(const std::uint8_t* bytes, index_t left) {
  alignas(32) std::uint8_t each[32] = {};
  std::memcpy(each, bytes, static_cast<std::size_t>(std::min<index_t>(left, 32)));
  return as_floats(_mm256_load_si256(reinterpret_cast<const __m256i*>(each)));
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store_bytes(std::uint8_t* bytes, index_t left, floats v) {
  alignas(32) std::uint8_t each[32];
  _mm256_store_si256(reinterpret_cast<__m256i*>(each), as_integers(v));
  std::memcpy(bytes, each, static_cast<std::size_t>(std::min<index_t>(left, 32)));
}

}  // namespace detail

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/simd/x86/column_body.hpp>
#include <bitgauge/simd/x86/column_decode_body.hpp>
#undef BITGAUGE_TIER

}  // namespace avx2

template <>
constexpr void improve<instruction_set::avx2>(column_operations& operations) {
  operations.column_extents = avx2::column_extents;
  operations.encode_columns = avx2::encode_columns;
  operations.decode_columns = avx2::decode_columns;
}

}  // namespace bitgauge::simd
#endif  // BITGAUGE_X86
