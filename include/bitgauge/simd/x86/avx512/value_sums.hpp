#pragma once

/// \file
/// See value_sums.hpp: with AVX-512 the eight lanes of a sum are a register.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/value_sums.hpp>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512 {

[[BITGAUGE_AVX512]] inline value_sums sum_values(const float* x, index_t count) {
  __m512d energy = _mm512_setzero_pd(), magnitude = energy;
  __m256 low = _mm256_setzero_ps(), high = low;
  for (index_t i = 0; i < count; i += 8) {
    const auto mask = static_cast<__mmask8>(count - i >= 8 ? 0xff : (1u << (count - i)) - 1);
    const __m256 values = _mm256_maskz_loadu_ps(mask, x + i);  // what is beyond the end adds nothing
    const __m512d wide = _mm512_cvtps_pd(values);
    energy = _mm512_fmadd_pd(wide, wide, energy);
    magnitude = _mm512_add_pd(magnitude, _mm512_abs_pd(wide));
    low = _mm256_min_ps(low, values);
    high = _mm256_max_ps(high, values);
  }
  striped_sum energies, magnitudes;
  _mm512_store_pd(energies.lanes(), energy);
  _mm512_store_pd(magnitudes.lanes(), magnitude);
  const __m512 lows = _mm512_castps256_ps512(low), highs = _mm512_castps256_ps512(high);
  return {energies.total(), magnitudes.total(), _mm512_mask_reduce_min_ps(0xff, lows),
          _mm512_mask_reduce_max_ps(0xff, highs)};
}

}  // namespace avx512

template <>
constexpr void improve<instruction_set::avx512>(value_sum_operations& operations) {
  operations.sum_values = avx512::sum_values;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
