#pragma once

/// \file
/// See halves.hpp: with F16C, which every processor with AVX2 has.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/halves.hpp>

#include <cstdint>

namespace bitgauge::simd {
namespace avx2 {

[[BITGAUGE_AVX2]] inline void nearest_halves(const float* x, index_t count, std::uint16_t* pattern,
                                             float* value) {
  const __m256 most = _mm256_set1_ps(65504.0f), least = _mm256_set1_ps(-65504.0f);
  index_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 clamped = _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(x + i), least), most);
    const __m128i half = _mm256_cvtps_ph(clamped, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pattern + i), half);
    _mm256_storeu_ps(value + i, _mm256_cvtph_ps(half));
  }
  portable::nearest_halves(x + i, count - i, pattern + i, value + i);
}

}  // namespace avx2

template <>
constexpr void improve<instruction_set::avx2>(half_operations& operations) {
  operations.nearest_halves = avx2::nearest_halves;
}

}  // namespace bitgauge::simd
#endif  // BITGAUGE_X86
