#pragma once

/// \file
/// The row primitives with AVX-512 F, BW, DQ and VL. A vector may run over the end of a run into the next
/// one, which is written afterwards; masks are needed only where elements are reduced and at the end of the
/// row.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd::avx512 {
namespace detail {

/// The lanes that hold one of the next `left` elements.
[[BITGAUGE_AVX512, gnu::always_inline]] inline __mmask16 lanes(index_t left) {
  return left >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << left) - 1u);
}

struct extent {
  __m512 low, high;
};

[[BITGAUGE_AVX512, gnu::always_inline]] inline void widen(extent& e, __m512i& largest, __m512 x) {
  e.low = _mm512_min_ps(x, e.low);
  e.high = _mm512_max_ps(x, e.high);
  const __m512i magnitude = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
  largest = _mm512_max_epu32(magnitude, largest);
}

template <bool Greatest>
[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512 choose(__m512 a, __m512 b) {
  return Greatest ? _mm512_max_ps(a, b) : _mm512_min_ps(a, b);
}

/// The 128-bit quarters of the result: a reduced to one quarter, b, c, d.
template <bool Greatest>
[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512 quarters(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = choose<Greatest>(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  const __m512 cd = choose<Greatest>(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
  return choose<Greatest>(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

/// Lane i of the result is the least or greatest lane of v[i].
template <bool Greatest>
[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512 reduce_each(const __m512 (&v)[16]) {
  const __m512 a = quarters<Greatest>(v[0], v[4], v[8], v[12]),
               b = quarters<Greatest>(v[1], v[5], v[9], v[13]),
               c = quarters<Greatest>(v[2], v[6], v[10], v[14]),
               d = quarters<Greatest>(v[3], v[7], v[11], v[15]);
  const __m512 ab = choose<Greatest>(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = choose<Greatest>(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  return choose<Greatest>(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
}

/// What a row read from memory is fetched ahead, in floats.
inline constexpr index_t ahead = 2048;

[[BITGAUGE_AVX512, gnu::always_inline]] inline void fetch(const float* x) {
  _mm_prefetch(reinterpret_cast<const char*>(x), _MM_HINT_T0);
}

/// What a run's elements are encoded with.
struct encoder {
  __m512 inverse, low, high;
  __m512i zero_point;
};

[[BITGAUGE_AVX512, gnu::always_inline]] inline encoder make_encoder(__m512 inverse, __m512i zero_point,
                                                                    int lowest, int highest) {
  return {inverse, _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_set1_epi32(lowest), zero_point)),
          _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_set1_epi32(highest), zero_point)), zero_point};
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __m128i encode_16(__m512 x, const encoder& e) {
  const __m512 steps = _mm512_min_ps(_mm512_max_ps(_mm512_mul_ps(x, e.inverse), e.low), e.high);
  return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(steps), e.zero_point));
}

/// Runs of one element: parameters are vectors.
[[BITGAUGE_AVX512]] inline void encode_each(const float* x, index_t count, const float* inverse,
                                            const std::int32_t* zero_point, int lowest, int highest,
                                            std::uint8_t* codes) {
  for (index_t j = 0; j < count; j += 16) {
    const __mmask16 mask = lanes(count - j);
    const encoder each = make_encoder(_mm512_maskz_loadu_ps(mask, inverse + j),
                                      _mm512_maskz_loadu_epi32(mask, zero_point + j), lowest, highest);
    _mm_mask_storeu_epi8(codes + j, mask, encode_16(_mm512_maskz_loadu_ps(mask, x + j), each));
  }
}

/// `PastCaches` needs 16 codes of a run to lie at a multiple of 16 bytes.
template <bool PastCaches>
[[BITGAUGE_AVX512]] inline void encode_runs(const float* x, index_t count, index_t run, const float* inverse,
                                            const std::int32_t* zero_point, int lowest, int highest,
                                            std::uint8_t* codes, const float* next) {
  for (index_t begin = 0; begin < count; begin += run, ++inverse, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const encoder all =
        make_encoder(_mm512_set1_ps(*inverse), _mm512_set1_epi32(*zero_point), lowest, highest);
    index_t j = begin;
    for (; j < end && j + 16 <= count; j += 16) {
      fetch(next + j);
      const __m128i bytes = encode_16(_mm512_loadu_ps(x + j), all);
      auto* const to = reinterpret_cast<__m128i*>(codes + j);
      if constexpr (PastCaches)
        _mm_stream_si128(to, bytes);
      else
        _mm_storeu_si128(to, bytes);
    }
    if (j < end) {
      const __mmask16 mask = lanes(end - j);
      _mm_mask_storeu_epi8(codes + j, mask, encode_16(_mm512_maskz_loadu_ps(mask, x + j), all));
    }
  }
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512 decode_16(__m128i codes, __m128i sign, __m512 scale,
                                                                __m512i shift) {
  const __m512i level = _mm512_cvtepu8_epi32(_mm_xor_si128(codes, sign));
  return _mm512_mul_ps(scale, _mm512_cvtepi32_ps(_mm512_sub_epi32(level, shift)));
}

}  // namespace detail

[[BITGAUGE_AVX512]] inline std::uint32_t extents(const float* x, index_t count, index_t run, float* low,
                                                 float* high) {
  using namespace detail;
  __m512i largest = _mm512_setzero_si512();
  if (run == 1) {
    for (index_t j = 0; j < count; j += 16) {
      extent each{_mm512_setzero_ps(), _mm512_setzero_ps()};
      const __mmask16 mask = lanes(count - j);
      widen(each, largest, _mm512_maskz_loadu_ps(mask, x + j));
      _mm512_mask_storeu_ps(low + j, mask, each.low);
      _mm512_mask_storeu_ps(high + j, mask, each.high);
    }
    return _mm512_reduce_max_epu32(largest);
  }
  for (index_t begin = 0; begin < count; low += 16, high += 16) {
    __m512 lows[16], highs[16];
    int runs = 0;
    for (; runs < 16 && begin < count; begin += run, ++runs) {
      const index_t end = std::min(begin + run, count);
      extent e{_mm512_setzero_ps(), _mm512_setzero_ps()};
      index_t j = begin;
      for (; j + 16 <= end; j += 16) {
        fetch(x + std::min(j + ahead, count - 1));
        widen(e, largest, _mm512_loadu_ps(x + j));
      }
      if (j < end) widen(e, largest, _mm512_maskz_loadu_ps(lanes(end - j), x + j));
      lows[runs] = e.low;
      highs[runs] = e.high;
    }
    for (int i = runs; i < 16; ++i) lows[i] = highs[i] = _mm512_setzero_ps();
    _mm512_mask_storeu_ps(low, lanes(runs), reduce_each<false>(lows));
    _mm512_mask_storeu_ps(high, lanes(runs), reduce_each<true>(highs));
  }
  return _mm512_reduce_max_epu32(largest);
}

[[BITGAUGE_AVX512]] inline void encode(const float* x, index_t count, index_t run, const float* inverse,
                                       const std::int32_t* zero_point, int lowest, int highest,
                                       std::uint8_t* codes, const memory_hints& memory) {
  using namespace detail;
  if (run == 1) return encode_each(x, count, inverse, zero_point, lowest, highest, codes);
  const float* const next = memory.next != nullptr ? memory.next : x;
  const bool aligned = reinterpret_cast<std::uintptr_t>(codes) % 16 == 0 && (run % 16 == 0 || run >= count);
  if (memory.past_caches && aligned)
    encode_runs<true>(x, count, run, inverse, zero_point, lowest, highest, codes, next);
  else
    encode_runs<false>(x, count, run, inverse, zero_point, lowest, highest, codes, next);
}

[[BITGAUGE_AVX512]] inline void decode(const std::uint8_t* codes, index_t count, index_t run,
                                       const float* scale, const std::int32_t* zero_point, bool is_signed,
                                       float* out) {
  using namespace detail;
  const int sign = is_signed ? 0x80 : 0;
  const __m128i sign_bytes = _mm_set1_epi8(static_cast<char>(sign));
  if (run == 1) {
    for (index_t j = 0; j < count; j += 16) {
      const __mmask16 mask = lanes(count - j);
      const __m512i shift =
          _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, zero_point + j), _mm512_set1_epi32(sign));
      const __m512 value = decode_16(_mm_maskz_loadu_epi8(mask, codes + j), sign_bytes,
                                     _mm512_maskz_loadu_ps(mask, scale + j), shift);
      _mm512_mask_storeu_ps(out + j, mask, value);
    }
    return;
  }
  for (index_t begin = 0; begin < count; begin += run, ++scale, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const __m512 factor = _mm512_set1_ps(*scale);
    const __m512i shift = _mm512_set1_epi32(sign + *zero_point);
    index_t j = begin;
    for (; j < end && j + 16 <= count; j += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + j));
      _mm512_storeu_ps(out + j, decode_16(bytes, sign_bytes, factor, shift));
    }
    if (j < end) {
      const __mmask16 mask = lanes(end - j);
      const __m128i bytes = _mm_maskz_loadu_epi8(mask, codes + j);
      _mm512_mask_storeu_ps(out + j, mask, decode_16(bytes, sign_bytes, factor, shift));
    }
  }
}

}  // namespace bitgauge::simd::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
