#pragma once

/// \file
/// Products of floats with AVX-512: two panels by up to twelve samples, all sums in registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512 {

template <unsigned Samples>
[[BITGAUGE_AVX512]] void multiply_float_samples(const exact_tile& tile) {
  float* const y = tile.y;
  const float *w0 = tile.weights[0], *w1 = tile.weights[1], *x = tile.x;
  __m512 total0[Samples], total1[Samples];
#pragma GCC unroll 12
  for (unsigned j = 0; j < Samples; ++j) {
    total0[j] = _mm512_loadu_ps(y + j * tile.y_stride);
    total1[j] = _mm512_loadu_ps(y + j * tile.y_stride + panel_rows);
  }
  for (index_t c = tile.columns; c > 0; --c, w0 += panel_rows, w1 += panel_rows, x += tile.samples) {
    _mm_prefetch(reinterpret_cast<const char*>(x) + activations_ahead, _MM_HINT_T0);
    const __m512 weights0 = _mm512_loadu_ps(w0), weights1 = _mm512_loadu_ps(w1);
#pragma GCC unroll 12
    for (unsigned j = 0; j < Samples; ++j) {
      const __m512 activation = _mm512_set1_ps(x[j]);
      total0[j] = _mm512_fmadd_ps(weights0, activation, total0[j]);
      total1[j] = _mm512_fmadd_ps(weights1, activation, total1[j]);
    }
  }
#pragma GCC unroll 12
  for (unsigned j = 0; j < Samples; ++j) {
    _mm512_storeu_ps(y + j * tile.y_stride, total0[j]);
    _mm512_storeu_ps(y + j * tile.y_stride + panel_rows, total1[j]);
  }
}

/// Calls multiply_float_samples with a number of samples known at compile time, 1..tile_samples.
template <unsigned Samples = tile_samples>
[[BITGAUGE_AVX512]] void multiply_known_floats(const exact_tile& tile) {
  if (tile.samples == Samples) return multiply_float_samples<Samples>(tile);
  if constexpr (Samples > 1) multiply_known_floats<Samples - 1>(tile);
}

[[BITGAUGE_AVX512]] inline void multiply_floats(const exact_tile& tile) {
  multiply_known_floats(tile);
}

}  // namespace bitgauge::kernel::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
