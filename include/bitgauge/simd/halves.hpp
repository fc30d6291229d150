#pragma once

/// \file
/// Scales rounded to binary16, many at a time.

#include <bitgauge/numeric/half.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/x86.hpp>

#include <algorithm>
#include <cstdint>

namespace bitgauge::simd {
namespace portable {

inline void nearest_halves(const float* x, index count, std::uint16_t* pattern, float* value) {
  for (index i = 0; i < count; ++i) {
    pattern[i] = numeric::half_from_float(std::clamp(x[i], -65504.0f, 65504.0f));
    value[i] = numeric::half_to_float(pattern[i]);
  }
}

}  // namespace portable

#if BITGAUGE_X86
namespace avx2 {

[[BITGAUGE_AVX2]] inline void nearest_halves(const float* x, index count, std::uint16_t* pattern,
                                             float* value) {
  const __m256 most = _mm256_set1_ps(65504.0f), least = _mm256_set1_ps(-65504.0f);
  index i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 clamped = _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(x + i), least), most);
    const __m128i half = _mm256_cvtps_ph(clamped, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pattern + i), half);
    _mm256_storeu_ps(value + i, _mm256_cvtph_ps(half));
  }
  portable::nearest_halves(x + i, count - i, pattern + i, value + i);
}

}  // namespace avx2
#endif

/// pattern[i] and value[i]: the finite binary16 number nearest to x[i], which is not NaN; ties to even.
inline void nearest_halves(const float* x, index count, std::uint16_t* pattern, float* value) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx2) return avx2::nearest_halves(x, count, pattern, value);
#endif
  portable::nearest_halves(x, count, pattern, value);
}

}  // namespace bitgauge::simd
