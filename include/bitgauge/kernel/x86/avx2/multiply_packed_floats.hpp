#pragma once

/// \file
/// Products of few samples of floats with AVX2: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_packed_codes.hpp>
#include <bitgauge/kernel/x86/avx2/unpack.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2 {

/// Column `column` of a unit of which `bytes` are 8 rows: fields, or their levels. Fields count from the middle
/// of all, so that zero points near it cost no accuracy: its bit is turned, and the field goes to the top of its
/// lane and down again with its sign.
template <int Bits, bool Levels>
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats packed_value(const std::uint8_t* bytes, int column,
                                                                 const value_tables& tables) {
  constexpr int per_lane = 32 / Bits;
  const integers four = load(bytes + (Bits == 8 ? column / 4 * 64 : 0));
  const int first_bit = Bits == 8 ? column % 4 * 8 : column % 4 * 8 + column / 4 * 4;
  static_assert(per_lane == 4 || per_lane == 8);
  if constexpr (Levels) return look_up(_mm256_srli_epi32(four, first_bit), tables);
  const integers turned = exclusive_or(four, all_bytes(Bits == 8 ? 0x80 : 0x88));
  return to_floats(_mm256_srai_epi32(_mm256_slli_epi32(turned, 32 - Bits - first_bit), 32 - Bits));
}

/// The panels number `first_panel`, `first_panel` + `distance`, .. of a tile by all its samples.
template <int Bits, bool Levels, unsigned Panels, unsigned Samples>
[[BITGAUGE_AVX2]] void multiply_packed_floats_of(const packed_exact_tile& tile, index_t first_panel,
                                                 index_t distance) {
  const weights_view& w = *tile.weights.weights;
  const value_tables tables = value_tables_of(w);
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  for (unsigned p = 0; p < Panels; ++p) {
    const index_t panel = tile.weights.first_panel + first_panel + p * distance;
    fields[p] = w.unit(panel, 0);
    parameter[p] = w.parameter(panel, 0);
  }
  const float* x = tile.x;
  for (index_t g = 0, unit = 0; g < w.groups; ++g) {
    const index_t end = g + 1 < w.groups ? unit + w.group_units : w.units;
    floats sums[Panels][vectors_of_panel][Samples];
    for (auto& panel : sums)
      for (auto& vector : panel)
        for (auto& sum : vector) sum = _mm256_setzero_ps();
    for (; unit < end; ++unit, x += unit_columns * Samples) {
#pragma GCC unroll 4
      for (unsigned p = 0; p < Panels; ++p) {
        _mm_prefetch(fields[p] + fetched_ahead, _MM_HINT_T0);
        if constexpr (Bits == 8) _mm_prefetch(fields[p] + fetched_ahead + 64, _MM_HINT_T0);
#pragma GCC unroll 8
        for (int c = 0; c < unit_columns; ++c)
#pragma GCC unroll 2
          for (index_t h = 0; h < vectors_of_panel; ++h) {
            const floats value = packed_value<Bits, Levels>(fields[p] + 32 * h, c, tables);
#pragma GCC unroll 4
            for (unsigned j = 0; j < Samples; ++j)
              sums[p][h][j] =
                  product_plus(value, all(x[static_cast<unsigned>(c) * Samples + j]), sums[p][h][j]);
          }
        fields[p] += unit_bytes(Bits);
      }
    }
    const float* const x_sums = tile.x_sums + g * Samples;
    for (unsigned p = 0; p < Panels; ++p)
      for (index_t h = 0; h < vectors_of_panel; ++h) {
        const index_t at = parameter[p] + g * panel_rows + h * lanes;
        const floats scales = scales_at(w, at);
        const floats zero =
            Levels ? _mm256_setzero_ps() : to_floats(difference(zero_points_at(w, at), all(1 << (Bits - 1))));
        for (unsigned j = 0; j < Samples; ++j) {
          float* const y = tile.y + j * tile.y_stride + (first_panel + p * distance) * panel_rows + h * lanes;
          const floats x_sum = all(x_sums[j]);
          floats total = product_plus(scales, less_product(zero, x_sum, sums[p][h][j]), load_floats(y));
          if (w.has_stored_offsets()) total = less_product(offsets_at(w, at), x_sum, total);
          store(y, total);
        }
      }
  }
}

/// The panels of a tile from number `first_panel` of it on: as many together as the registers hold, so far from each
/// other that each goes on in memory where it was.
template <int Bits, bool Levels, unsigned Samples,
          unsigned Panels = Samples == 1   ? 4
                            : Samples == 2 ? 2
                                           : 1>
[[BITGAUGE_AVX2]] void multiply_packed_float_panels(const packed_exact_tile& tile, index_t first_panel) {
  const index_t each = (tile.weights.panels - first_panel) / Panels;
  for (index_t i = 0; i < each; ++i)
    multiply_packed_floats_of<Bits, Levels, Panels, Samples>(tile, first_panel + i, each);
  if constexpr (Panels > 1)
    multiply_packed_float_panels<Bits, Levels, Samples, Panels / 2>(tile, first_panel + each * Panels);
}

template <int Bits, bool Levels>
[[BITGAUGE_AVX2]] void multiply_packed_floats_by(const packed_exact_tile& tile) {
  static_assert(packed_float_samples == 4);
  if (tile.samples == 1) return multiply_packed_float_panels<Bits, Levels, 1>(tile, 0);
  if (tile.samples == 2) return multiply_packed_float_panels<Bits, Levels, 2>(tile, 0);
  if (tile.samples == 3) return multiply_packed_float_panels<Bits, Levels, 3>(tile, 0);
  multiply_packed_float_panels<Bits, Levels, 4>(tile, 0);
}

[[BITGAUGE_AVX2]] inline void multiply_packed_floats(const packed_exact_tile& tile) {
  if (tile.weights.weights->bits == 8) return multiply_packed_floats_by<8, false>(tile);
  if (tile.weights.weights->has_levels) return multiply_packed_floats_by<4, true>(tile);
  multiply_packed_floats_by<4, false>(tile);
}

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
