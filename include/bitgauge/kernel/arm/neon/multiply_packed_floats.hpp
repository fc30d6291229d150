#pragma once

/// \file
/// Products of few samples of floats with Advanced SIMD: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/unpack.hpp>
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>

namespace bitgauge::kernel::neon {

/// Panel number `number` of a tile by all its samples.
template <int Bits, unsigned Samples>
void multiply_packed_float_samples(const packed_exact_tile& tile, index_t number) {
  const weights_view& w = *tile.weights.weights;
  const index_t panel = tile.weights.first_panel + number;
  const std::uint8_t* fields = w.unit(panel, 0);
  const float* x = tile.x;
  for (index_t g = 0, unit_number = 0; g < w.groups; ++g) {
    const index_t end = g + 1 < w.groups ? unit_number + w.group_units : w.units;
    float32x4_t sums[vectors_of_panel][Samples];
    for (auto& vector : sums)
      for (auto& sum : vector) sum = vdupq_n_f32(0);
    for (; unit_number < end; ++unit_number, x += unit_columns * Samples, fields += unit_bytes(Bits)) {
      const unit_vectors unit = unpack_unit<Bits>(fields);
#pragma GCC unroll 8
      for (int c = 0; c < unit_columns; ++c)
#pragma GCC unroll 4
        for (unsigned q = 0; q < vectors_of_panel; ++q) {
          const uint32x4_t four = vreinterpretq_u32_u8(unit.part[static_cast<unsigned>(c / 4 * 4) + q]);
          const float32x4_t value = value_of<Bits>(vshlq_u32(four, vdupq_n_s32(-8 * (c % 4))), w);
#pragma GCC unroll 4
          for (unsigned j = 0; j < Samples; ++j)
            sums[q][j] = vfmaq_n_f32(sums[q][j], value, x[static_cast<unsigned>(c) * Samples + j]);
        }
    }
    for (unsigned q = 0; q < vectors_of_panel; ++q) {
      const index_t at = w.parameter(panel, g) + q * lanes;
      float zeros[lanes];
      for (index_t r = 0; r < lanes; ++r)
        zeros[r] = w.has_levels
                       ? 0.0f
                       : static_cast<float>(w.zero_points != nullptr ? w.zero_points[at + r] : w.center);
#pragma GCC unroll 4
      for (unsigned j = 0; j < Samples; ++j) {
        float* const y = tile.y + j * tile.y_stride + number * panel_rows + q * lanes;
        const float x_sum = tile.x_sums[g * Samples + j];
        const float32x4_t sum = vfmsq_f32(sums[q][j], vld1q_f32(zeros), vdupq_n_f32(x_sum));
        float32x4_t total = vfmaq_f32(vld1q_f32(y), scales_at(w, at), sum);
        if (w.has_stored_offsets()) total = vfmsq_f32(total, offsets_at(w, at), vdupq_n_f32(x_sum));
        vst1q_f32(y, total);
      }
    }
  }
}

template <int Bits>
void multiply_packed_floats_by(const packed_exact_tile& tile) {
  static_assert(packed_float_samples == 4);
  const auto all_samples = tile.samples == 1   ? multiply_packed_float_samples<Bits, 1>
                           : tile.samples == 2 ? multiply_packed_float_samples<Bits, 2>
                           : tile.samples == 3 ? multiply_packed_float_samples<Bits, 3>
                                               : multiply_packed_float_samples<Bits, 4>;
  for (index_t number = 0; number < tile.weights.panels; ++number) all_samples(tile, number);
}

inline void multiply_packed_floats(const packed_exact_tile& tile) {
  if (tile.weights.weights->bits == 8) return multiply_packed_floats_by<8>(tile);
  multiply_packed_floats_by<4>(tile);
}

}  // namespace bitgauge::kernel::neon
#endif  // defined(__aarch64__)
