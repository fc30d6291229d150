#pragma once

/// \file
/// Products of floats with AVX2 and FMA: a panel by up to six samples, all sums in registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>

namespace bitgauge::kernel::avx2 {

template <unsigned Samples>
[[BITGAUGE_AVX2]] void multiply_float_samples(const exact_tile& tile, index_t panel, index_t first) {
  float* const y = tile.y + first * tile.y_stride + panel * panel_rows;
  const float *w = tile.weights[panel], *x = tile.x + first;
  floats total0[Samples], total1[Samples];
#pragma GCC unroll 6
  for (unsigned j = 0; j < Samples; ++j) {
    total0[j] = load_floats(y + j * tile.y_stride);
    total1[j] = load_floats(y + j * tile.y_stride + lanes);
  }
  for (index_t c = tile.columns; c > 0; --c, w += panel_rows, x += tile.samples) {
    const floats weights0 = load_floats(w), weights1 = load_floats(w + lanes);
#pragma GCC unroll 6
    for (unsigned j = 0; j < Samples; ++j) {
      const floats activation = all(x[j]);
      total0[j] = product_plus(weights0, activation, total0[j]);
      total1[j] = product_plus(weights1, activation, total1[j]);
    }
  }
#pragma GCC unroll 6
  for (unsigned j = 0; j < Samples; ++j) {
    store(y + j * tile.y_stride, total0[j]);
    store(y + j * tile.y_stride + lanes, total1[j]);
  }
}

/// Calls multiply_float_samples with a number of samples known at compile time, 1..6.
template <unsigned Samples = 6>
[[BITGAUGE_AVX2]] void multiply_few_floats(const exact_tile& tile, index_t panel, index_t first,
                                           index_t samples) {
  if (samples >= Samples) return multiply_float_samples<Samples>(tile, panel, first);
  if constexpr (Samples > 1) multiply_few_floats<Samples - 1>(tile, panel, first, samples);
}

[[BITGAUGE_AVX2]] inline void multiply_floats(const exact_tile& tile) {
  for (index_t panel = 0; panel < tile_panels; ++panel)
    for (index_t first = 0; first < tile.samples; first += 6)
      multiply_few_floats(tile, panel, first, tile.samples - first);
}

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
