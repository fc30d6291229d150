#pragma once

/// \file
/// See translate.hpp: with AVX2 a table is half a register.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/translate.hpp>

#include <cstdint>

namespace bitgauge::simd {
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

template <>
constexpr void improve<instruction_set::avx2>(translate_operations& operations) {
  operations.translate = avx2::translate;
}

}  // namespace bitgauge::simd
#endif  // BITGAUGE_X86
