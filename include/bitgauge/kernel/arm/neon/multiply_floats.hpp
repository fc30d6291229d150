#pragma once

/// \file
/// Products of floats with Advanced SIMD: a panel by up to six samples, all sums in registers.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

namespace bitgauge::kernel::neon {

template <unsigned Samples>
void multiply_float_samples(const exact_tile& tile, index_t panel, index_t first) {
  float* const y = tile.y + first * tile.y_stride + panel * panel_rows;
  const float *w = tile.weights[panel], *x = tile.x + first;
  float32x4_t total[Samples][vectors_of_panel];
#pragma GCC unroll 6
  for (unsigned j = 0; j < Samples; ++j)
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q)
      total[j][q] = vld1q_f32(y + j * tile.y_stride + q * lanes);
  for (index_t c = tile.columns; c > 0; --c, w += panel_rows, x += tile.samples) {
    float32x4_t weights[vectors_of_panel];
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q) weights[q] = vld1q_f32(w + q * lanes);
#pragma GCC unroll 6
    for (unsigned j = 0; j < Samples; ++j)
#pragma GCC unroll 4
      for (unsigned q = 0; q < vectors_of_panel; ++q)
        total[j][q] = vfmaq_n_f32(total[j][q], weights[q], x[j]);
  }
#pragma GCC unroll 6
  for (unsigned j = 0; j < Samples; ++j)
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q) vst1q_f32(y + j * tile.y_stride + q * lanes, total[j][q]);
}

/// Calls multiply_float_samples with a number of samples known at compile time, 1..6.
template <unsigned Samples = 6>
void multiply_few_floats(const exact_tile& tile, index_t panel, index_t first, index_t samples) {
  if (samples >= Samples) return multiply_float_samples<Samples>(tile, panel, first);
  if constexpr (Samples > 1) multiply_few_floats<Samples - 1>(tile, panel, first, samples);
}

inline void multiply_floats(const exact_tile& tile) {
  for (index_t panel = 0; panel < tile_panels; ++panel)
    for (index_t first = 0; first < tile.samples; first += 6)
      multiply_few_floats(tile, panel, first, tile.samples - first);
}

}  // namespace bitgauge::kernel::neon
#endif  // defined(__aarch64__)
