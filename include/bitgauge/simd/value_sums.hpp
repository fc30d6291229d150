#pragma once

/// \file
/// What a search for a scale must know of its values first, in one pass.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace bitgauge::simd {

/// Sums of x^2 and |x| in double, and the extent with zero. Element i adds to lane i % 8 and the lanes are
/// added up in their order, so that all versions give the same bits.
struct value_sums {
  double energy = 0;
  double magnitude = 0;
  float low = 0;
  float high = 0;
};

/// Eight sums side by side: the additions of one do not wait for each other, and their order is fixed.
class striped_sum {
 public:
  void add(std::size_t i, double term) { lanes_[i % 8] += term; }
  double total() const {
    double sum = 0;
    for (const double lane : lanes_) sum += lane;
    return sum;
  }
  double* lanes() { return lanes_; }

 private:
  alignas(64) double lanes_[8] = {};
};

namespace portable {

inline value_sums sum_values(const float* x, index_t count) {
  value_sums found;
  striped_sum energy, magnitude;
  for (index_t i = 0; i < count; ++i) {
    const double value = x[i];
    energy.add(static_cast<std::size_t>(i), value * value);  // exact, fused or not
    magnitude.add(static_cast<std::size_t>(i), std::fabs(value));
    found.low = std::min(found.low, x[i]);
    found.high = std::max(found.high, x[i]);
  }
  found.energy = energy.total();
  found.magnitude = magnitude.total();
  return found;
}

}  // namespace portable

#if BITGAUGE_X86
BITGAUGE_BEGIN_AVX512
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
BITGAUGE_END_AVX512
#endif

/// The sums of finite values, with the instruction set in use.
inline value_sums sum_values(const float* x, index_t count) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512) return avx512::sum_values(x, count);
#endif
  return portable::sum_values(x, count);
}

}  // namespace bitgauge::simd
