#pragma once

/// \file
/// The row primitives with AVX2. A vector may run over the end of a run into the next one, which is written
/// afterwards; masks are needed only where elements are reduced and at the end of the row.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd::avx2 {
namespace detail {

/// The lanes that hold one of the next `left` elements.
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256i lanes(index_t left) {
  const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(std::min<index_t>(left, 8))), number);
}

struct extent {
  __m256 low, high;
};

[[BITGAUGE_AVX2, gnu::always_inline]] inline void widen(extent& e, __m256i& largest, __m256 x) {
  e.low = _mm256_min_ps(x, e.low);
  e.high = _mm256_max_ps(x, e.high);
  const __m256i magnitude = _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
  largest = _mm256_max_epu32(magnitude, largest);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline std::uint32_t greatest_lane(__m256i v) {
  __m128i half = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(half));
}

template <bool Greatest>
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256 choose(__m256 a, __m256 b) {
  return Greatest ? _mm256_max_ps(a, b) : _mm256_min_ps(a, b);
}

/// The 128-bit halves of the result: a reduced to one half, b.
template <bool Greatest>
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256 halves(__m256 a, __m256 b) {
  return choose<Greatest>(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/// Lane i of the result is the least or greatest lane of v[i].
template <bool Greatest>
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256 reduce_each(const __m256 (&v)[8]) {
  const __m256 a = halves<Greatest>(v[0], v[4]), b = halves<Greatest>(v[1], v[5]),
               c = halves<Greatest>(v[2], v[6]), d = halves<Greatest>(v[3], v[7]);
  const __m256 ab = choose<Greatest>(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  const __m256 cd = choose<Greatest>(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  return choose<Greatest>(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
}

/// What a row read from memory is fetched ahead, in floats.
inline constexpr index_t ahead = 2048;

[[BITGAUGE_AVX2, gnu::always_inline]] inline void fetch(const float* x) {
  _mm_prefetch(reinterpret_cast<const char*>(x), _MM_HINT_T0);
}

/// What a run's elements are encoded with.
struct encoder {
  __m256 inverse, low, high;
  __m256i zero_point;
};

[[BITGAUGE_AVX2, gnu::always_inline]] inline encoder make_encoder(__m256 inverse, __m256i zero_point,
                                                                  int lowest, int highest) {
  return {inverse, _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(lowest), zero_point)),
          _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(highest), zero_point)), zero_point};
}

/// Codes in the low byte of each lane, the others zero.
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256i encode_8(__m256 x, const encoder& e) {
  const __m256 steps = _mm256_min_ps(_mm256_max_ps(_mm256_mul_ps(x, e.inverse), e.low), e.high);
  const __m256i codes = _mm256_add_epi32(_mm256_cvtps_epi32(steps), e.zero_point);
  return _mm256_and_si256(codes, _mm256_set1_epi32(0xff));
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline __m128i bytes_of(__m256i codes) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
  return _mm_packus_epi16(words, words);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline void encode_32(const float* x, const encoder& e,
                                                            std::uint8_t* codes) {
  const __m256i first =
      _mm256_packs_epi32(encode_8(_mm256_loadu_ps(x), e), encode_8(_mm256_loadu_ps(x + 8), e));
  const __m256i second =
      _mm256_packs_epi32(encode_8(_mm256_loadu_ps(x + 16), e), encode_8(_mm256_loadu_ps(x + 24), e));
  const __m256i by_half = _mm256_packus_epi16(first, second);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), _mm256_permutevar8x32_epi32(by_half, order));
}

/// The first min(8, left) codes.
[[BITGAUGE_AVX2, gnu::always_inline]] inline __m128i load_codes(const std::uint8_t* codes, index_t left) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, codes, static_cast<std::size_t>(std::min<index_t>(left, 8)));
  return _mm_cvtsi64_si128(static_cast<long long>(bytes));
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline void store_codes(__m128i bytes, index_t left,
                                                              std::uint8_t* codes) {
  const long long eight = _mm_cvtsi128_si64(bytes);
  std::memcpy(codes, &eight, static_cast<std::size_t>(std::min<index_t>(left, 8)));
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256 decode_8(__m128i codes, __m128i sign, __m256 scale,
                                                             __m256i shift) {
  const __m256i level = _mm256_cvtepu8_epi32(_mm_xor_si128(codes, sign));
  return _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_sub_epi32(level, shift)));
}

}  // namespace detail

[[BITGAUGE_AVX2]] inline std::uint32_t extents(const float* x, index_t count, index_t run, float* low,
                                               float* high) {
  using namespace detail;
  __m256i largest = _mm256_setzero_si256();
  if (run == 1) {
    for (index_t j = 0; j < count; j += 8) {
      extent each{_mm256_setzero_ps(), _mm256_setzero_ps()};
      const __m256i mask = lanes(count - j);
      widen(each, largest, _mm256_maskload_ps(x + j, mask));
      _mm256_maskstore_ps(low + j, mask, each.low);
      _mm256_maskstore_ps(high + j, mask, each.high);
    }
    return greatest_lane(largest);
  }
  for (index_t begin = 0; begin < count; low += 8, high += 8) {
    __m256 lows[8], highs[8];
    int runs = 0;
    for (; runs < 8 && begin < count; begin += run, ++runs) {
      const index_t end = std::min(begin + run, count);
      extent e{_mm256_setzero_ps(), _mm256_setzero_ps()};
      index_t j = begin;
      for (; j + 8 <= end; j += 8) {
        fetch(x + std::min(j + ahead, count - 1));
        widen(e, largest, _mm256_loadu_ps(x + j));
      }
      if (j < end) widen(e, largest, _mm256_maskload_ps(x + j, lanes(end - j)));
      lows[runs] = e.low;
      highs[runs] = e.high;
    }
    for (int i = runs; i < 8; ++i) lows[i] = highs[i] = _mm256_setzero_ps();
    _mm256_maskstore_ps(low, lanes(runs), reduce_each<false>(lows));
    _mm256_maskstore_ps(high, lanes(runs), reduce_each<true>(highs));
  }
  return greatest_lane(largest);
}

[[BITGAUGE_AVX2]] inline void encode(const float* x, index_t count, index_t run, const float* inverse,
                                     const std::int32_t* zero_point, int lowest, int highest,
                                     std::uint8_t* codes, const memory_hints& memory) {
  using namespace detail;
  if (run == 1) {
    for (index_t j = 0; j < count; j += 8) {
      const __m256i mask = lanes(count - j);
      const encoder each = make_encoder(_mm256_maskload_ps(inverse + j, mask),
                                        _mm256_maskload_epi32(zero_point + j, mask), lowest, highest);
      store_codes(bytes_of(encode_8(_mm256_maskload_ps(x + j, mask), each)), count - j, codes + j);
    }
    return;
  }
  const float* const next = memory.next != nullptr ? memory.next : x;
  for (index_t begin = 0; begin < count; begin += run, ++inverse, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const encoder all =
        make_encoder(_mm256_set1_ps(*inverse), _mm256_set1_epi32(*zero_point), lowest, highest);
    index_t j = begin;
    for (; j + 32 <= end; j += 32) {
      fetch(next + j);
      fetch(next + j + 16);
      encode_32(x + j, all, codes + j);
    }
    for (; j < end && j + 8 <= count; j += 8)
      _mm_storel_epi64(reinterpret_cast<__m128i*>(codes + j),
                       bytes_of(encode_8(_mm256_loadu_ps(x + j), all)));
    if (j < end)
      store_codes(bytes_of(encode_8(_mm256_maskload_ps(x + j, lanes(end - j)), all)), end - j, codes + j);
  }
}

[[BITGAUGE_AVX2]] inline void decode(const std::uint8_t* codes, index_t count, index_t run,
                                     const float* scale, const std::int32_t* zero_point, bool is_signed,
                                     float* out) {
  using namespace detail;
  const int sign = is_signed ? 0x80 : 0;
  const __m128i sign_bytes = _mm_set1_epi8(static_cast<char>(sign));
  if (run == 1) {
    for (index_t j = 0; j < count; j += 8) {
      const __m256i mask = lanes(count - j);
      const __m256i shift =
          _mm256_add_epi32(_mm256_maskload_epi32(zero_point + j, mask), _mm256_set1_epi32(sign));
      const __m256 factor = _mm256_maskload_ps(scale + j, mask);
      _mm256_maskstore_ps(out + j, mask,
                          decode_8(load_codes(codes + j, count - j), sign_bytes, factor, shift));
    }
    return;
  }
  for (index_t begin = 0; begin < count; begin += run, ++scale, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const __m256 factor = _mm256_set1_ps(*scale);
    const __m256i shift = _mm256_set1_epi32(sign + *zero_point);
    index_t j = begin;
    for (; j < end && j + 8 <= count; j += 8) {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + j));
      _mm256_storeu_ps(out + j, decode_8(bytes, sign_bytes, factor, shift));
    }
    if (j < end) {
      const __m128i bytes = load_codes(codes + j, end - j);
      _mm256_maskstore_ps(out + j, lanes(end - j), decode_8(bytes, sign_bytes, factor, shift));
    }
  }
}

}  // namespace bitgauge::simd::avx2
#endif  // BITGAUGE_X86
