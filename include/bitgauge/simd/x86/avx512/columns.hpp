#pragma once

/// \file
/// The column primitives with AVX-512 F, BW, DQ and VL.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/columns.hpp>
#include <bitgauge/simd/x86/avx512/row.hpp>

#include <algorithm>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512 {
namespace detail {

[[BITGAUGE_AVX512, gnu::always_inline]] inline floats as_floats(integers v) {
  return _mm512_castsi512_ps(v);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers as_integers(floats v) {
  return _mm512_castps_si512(v);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers exclusive_or(integers a, integers b) {
  return _mm512_xor_si512(a, b);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline void turn(floats (&v)[width]) {
  turn_16(v);
}

/// The low bytes of each lane of a, b, c, d, in this order.
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers joined_bytes(integers a, integers b, integers c,
                                                                     integers d) {
  const __m512i two = _mm512_mask_blend_epi8(0x2222222222222222, a, _mm512_slli_epi32(b, 8));
  const __m512i three = _mm512_mask_blend_epi8(0x4444444444444444, two, _mm512_slli_epi32(c, 16));
  return _mm512_mask_blend_epi8(0x8888888888888888, three, _mm512_slli_epi32(d, 24));
}

/// Byte k of each lane, unsigned.
template <int K>
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers byte_of(integers words) {
  return K == 3 ? _mm512_srli_epi32(words, 24) : _mm512_and_si512(_mm512_srli_epi32(words, 8 * K), all(0xff));
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __mmask64 byte_lanes(index_t left) {
  return left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
}
/// The first min(64, left) bytes.
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats load_bytes(const std::uint8_t* bytes, index_t left) {
  return as_floats(_mm512_maskz_loadu_epi8(byte_lanes(left), bytes));
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store_bytes(std::uint8_t* bytes, index_t left, floats v) {
  _mm512_mask_storeu_epi8(bytes, byte_lanes(left), as_integers(v));
}

}  // namespace detail

#define BITGAUGE_TIER BITGAUGE_AVX512
#include <bitgauge/simd/x86/column_body.hpp>
#include <bitgauge/simd/x86/column_decode_body.hpp>
#undef BITGAUGE_TIER

}  // namespace avx512

template <>
constexpr void improve<instruction_set::avx512>(column_operations& operations) {
  operations.column_extents = avx512::column_extents;
  operations.encode_columns = avx512::encode_columns;
  operations.decode_columns = avx512::decode_columns;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
