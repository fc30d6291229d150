#pragma once

/// \file
/// Decoding up to 256 levels by permutations of bytes, with AVX-512 VBMI: see levels.hpp.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/levels.hpp>
#include <bitgauge/simd/x86/avx512/levels.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512_vbmi {
namespace detail {

/// One byte of each of 256 floats.
struct byte_plane {
  __m512i quarter[4];
};

/// Byte `which` of each level, least significant first.
[[BITGAUGE_AVX512_VBMI, gnu::always_inline]] inline byte_plane load_plane(const float* levels, int which) {
  byte_plane plane;
  alignas(64) std::uint8_t bytes[256];
  const __m128i shift = _mm_cvtsi32_si128(8 * which);
  for (int i = 0; i < 256; i += 16)
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes + i),
                    _mm512_cvtepi32_epi8(_mm512_srl_epi32(_mm512_loadu_si512(levels + i), shift)));
  for (int q = 0; q < 4; ++q) plane.quarter[q] = _mm512_load_si512(bytes + 64 * q);
  return plane;
}

/// The plane's byte of each field; `high` marks the fields from 128 up.
[[BITGAUGE_AVX512_VBMI, gnu::always_inline]] inline __m512i look_up(const byte_plane& plane, __m512i fields,
                                                                    __mmask64 high) {
  return _mm512_mask_blend_epi8(high, _mm512_permutex2var_epi8(plane.quarter[0], fields, plane.quarter[1]),
                                _mm512_permutex2var_epi8(plane.quarter[2], fields, plane.quarter[3]));
}

}  // namespace detail

/// out[i] = levels[fields[i]] * scale for whole blocks of 64, one scale for each `run` elements, a multiple
/// of 16. Returns how many elements those blocks hold. The bytes of a level are looked up plane by plane and
/// put together by interleaving, for which the fields are brought into order beforehand.
[[BITGAUGE_AVX512_VBMI]] inline index_t decode_byte_levels(const std::uint8_t* fields, index_t count,
                                                           index_t run, const float* scale,
                                                           const float* levels, float* out) {
  using namespace detail;
  const byte_plane planes[] = {load_plane(levels, 0), load_plane(levels, 1), load_plane(levels, 2),
                               load_plane(levels, 3)};
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  index_t left = run;  // elements of the current run
  index_t i = 0;
  for (; i + 64 <= count; i += 64) {
    const __m512i at = _mm512_permutexvar_epi32(order, _mm512_loadu_si512(fields + i));
    const __mmask64 high = _mm512_movepi8_mask(at);
    const __m512i b0 = look_up(planes[0], at, high), b1 = look_up(planes[1], at, high),
                  b2 = look_up(planes[2], at, high), b3 = look_up(planes[3], at, high);
    const __m512i low_01 = _mm512_unpacklo_epi8(b0, b1), high_01 = _mm512_unpackhi_epi8(b0, b1),
                  low_23 = _mm512_unpacklo_epi8(b2, b3), high_23 = _mm512_unpackhi_epi8(b2, b3);
    const __m512i values[] = {_mm512_unpacklo_epi16(low_01, low_23), _mm512_unpackhi_epi16(low_01, low_23),
                              _mm512_unpacklo_epi16(high_01, high_23),
                              _mm512_unpackhi_epi16(high_01, high_23)};
    for (int v = 0; v < 4; ++v) {
      if (left == 0) {
        ++scale;
        left = run;
      }
      _mm512_storeu_ps(out + i + 16 * v,
                       _mm512_mul_ps(_mm512_castsi512_ps(values[v]), _mm512_set1_ps(*scale)));
      left -= 16;
    }
  }
  return i;
}

/// Tables are loaded for the row as a whole; the last run may be shorter, but not by part of a vector.
inline void decode_levels(const std::uint8_t* fields, index_t count, index_t run, const float* scale,
                          const float* levels, int bits, float* out) {
  if (bits <= 4 || count < 512 || (run % 16 != 0 && run < count))
    return avx512::decode_levels(fields, count, run, scale, levels, bits, out);
  float all[256];  // fields do not reach beyond the levels, but tables do
  if (bits < 8) {
    std::fill(std::copy_n(levels, std::size_t{1} << bits, all), all + 256, 0.0f);
    levels = all;
  }
  const index_t whole_run = run >= count ? (count + 15) / 16 * 16 : run;
  const index_t done = decode_byte_levels(fields, count, whole_run, scale, levels, out);
  for (index_t at = done; at < count;) {  // less than 64 elements, from within a run on
    const index_t end = std::min((at / run + 1) * run, count);
    avx512::decode_levels(fields + at, end - at, end - at, scale + at / run, levels, bits, out + at);
    at = end;
  }
}

}  // namespace avx512_vbmi

template <>
constexpr void improve<instruction_set::avx512_vbmi>(level_decoding_operations& operations) {
  operations.decode_levels = avx512_vbmi::decode_levels;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
