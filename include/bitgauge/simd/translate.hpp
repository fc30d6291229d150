#pragma once

/// \file
/// Bytes through a table of 16.

#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <cstdint>

namespace bitgauge::simd {
namespace portable {

inline void translate(const std::uint8_t* codes, index_t count, const std::int8_t* table, std::int8_t* out) {
  for (index_t i = 0; i < count; ++i) out[i] = table[codes[i]];
}

}  // namespace portable

#if BITGAUGE_X86
namespace avx2 {

[[BITGAUGE_AVX2]] inline void translate(const std::uint8_t* codes, index_t count, const std::int8_t* table,
                                        std::int8_t* out) {
  const __m256i levels =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  index_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i selected = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_shuffle_epi8(levels, selected));
  }
  portable::translate(codes + i, count - i, table, out + i);
}

}  // namespace avx2
#endif

/// out[i] = table[codes[i]] for codes 0..15.
inline void translate(const std::uint8_t* codes, index_t count, const std::int8_t* table, std::int8_t* out) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx2) return avx2::translate(codes, count, table, out);
#endif
  portable::translate(codes, count, table, out);
}

}  // namespace bitgauge::simd
