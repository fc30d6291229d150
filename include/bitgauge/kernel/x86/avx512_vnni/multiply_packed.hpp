#pragma once

/// \file
/// Products of few samples with AVX-512 VNNI: weights of 4 and 8 bits are read as they are packed, from four
/// panels at once, which is the memory's pace.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/tiles.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/unpack.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/vectors.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

/// Sums in floats from and to the tile's y; what stands for a panel that is not there goes nowhere.
template <int Samples, class Tile>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void load_totals(__m512 (&total)[Samples],
                                                                     const Tile& tile, int p) {
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j)
    total[j] = p < tile.weights.panels ? _mm512_loadu_ps(tile.y + j * tile.y_stride + p * panel_rows)
                                       : _mm512_setzero_ps();
}
template <int Samples, class Tile>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void store_totals(const __m512 (&total)[Samples],
                                                                      const Tile& tile, int p) {
  if (p >= tile.weights.panels) return;
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) _mm512_storeu_ps(tile.y + j * tile.y_stride + p * panel_rows, total[j]);
}

inline bool multiplies_packed(const weights_view& w) {
  return w.bits == 4 || (w.bits == 8 && !w.has_levels);
}
/// The widths of K-quants.
inline bool multiplies_few_packed(const weights_view& w) {
  return !w.has_levels && (w.bits == 2 || w.bits == 3 || w.bits == 5 || w.bits == 6);
}

/// How many bytes ahead of what is multiplied memory is fetched: floats, which take longer, like it farther.
inline constexpr index_t fetched_ahead = 1024, fetched_ahead_of_floats = 3072;

/// The sums of some panels and samples.
template <int Panels, int Samples>
using integer_sums = __m512i[Panels][Samples];

/// The next unit of a panel as unsigned bytes: fields, or with levels their bytes in `table`.
template <int Bits, bool Levels>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline unit_vectors next_unit(const std::uint8_t*& fields,
                                                                           __m512i table) {
  _mm_prefetch(fields + fetched_ahead, _MM_HINT_T0);
  if constexpr (Bits > 4) _mm_prefetch(fields + fetched_ahead + 64, _MM_HINT_T0);
  unit_vectors unit = unpack_unit<Bits>(fields);
  if constexpr (Levels) unit = {look_up(unit.first, table), look_up(unit.second, table)};
  fields += unit_bytes(Bits);
  return unit;
}

/// sum += the products of the next unit of each panel.
template <int Bits, bool Levels, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void add_unit(const std::uint8_t* (&fields)[Panels],
                                                                  const std::uint8_t* four, __m512i table,
                                                                  integer_sums<Panels, Samples>& sum) {
  unit_vectors unit[Panels];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) unit[p] = next_unit<Bits, Levels>(fields[p], table);
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) {
    const __m512i first = four_of(four + 4 * j), second = four_of(four + 4 * (Samples + j));
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      add_dot(sum[p][j], unit[p].first, first);
      add_dot(sum[p][j], unit[p].second, second);
    }
  }
}

/// Minus what the zero points of a group, from `parameter` on, add to the products of a panel.
template <int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void start_sums(__m512i (&sum)[Samples],
                                                                    const weights_view& w, index_t parameter,
                                                                    int center, const std::int32_t* x_sums) {
  const __m512i zero = zero_points_at(w, parameter);
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j)
    sum[j] = w.zero_points == nullptr ? _mm512_set1_epi32(-center * x_sums[j])
                                      : _mm512_mullo_epi32(zero, _mm512_set1_epi32(-x_sums[j]));
}

/// `Panels` panels by `Samples` samples; sums in floats, too, stay in registers where these are enough.
template <int Bits, bool Levels, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_codes_of(const packed_tile& tile) {
  constexpr bool in_registers = Panels * Samples <= 8;
  const weights_view& w = *tile.weights.weights;
  const activation_codes& x = tile.x;
  // code + 128, unsigned
  const __m512i table = _mm512_xor_si512(table_of_16(w.codes.data()), _mm512_set1_epi8(-128));
  const int center = Levels ? 128 : w.center;
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  __m512 total[Panels][Samples];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    const index_t panel = tile.weights.first_panel + (p < tile.weights.panels ? p * tile.weights.step : 0);
    fields[p] = w.unit(panel, tile.segments[0].first_unit);
    parameter[p] = w.parameter(panel, 0);
    if constexpr (in_registers) load_totals(total[p], tile, p);
  }
  const std::uint8_t* four = x.codes;
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t group = s.group * panel_rows, of_block = s.block * Samples, of_segment = i * Samples;
    integer_sums<Panels, Samples> sum;
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      fetch_parameters(w, parameter[p] + group);
      start_sums(sum[p], w, parameter[p] + group, center, x.sums + of_segment);
    }
    for (std::int32_t u = s.units; u > 0; --u, four += 2 * 4 * Samples)
      add_unit<Bits, Levels>(fields, four, table, sum);
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      if constexpr (!in_registers) load_totals(total[p], tile, p);
      const __m512 scales = scales_at(w, parameter[p] + group);
#pragma GCC unroll 12
      for (int j = 0; j < Samples; ++j)
        total[p][j] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[p][j]),
                            _mm512_mul_ps(scales, _mm512_set1_ps(x.scales[of_block + j])), total[p][j]);
      if (w.has_stored_offsets()) {
        const __m512 offsets = offsets_at(w, parameter[p] + group);
#pragma GCC unroll 12
        for (int j = 0; j < Samples; ++j)
          total[p][j] = _mm512_fnmadd_ps(offsets, _mm512_set1_ps(x.scaled_sums[of_segment + j]), total[p][j]);
      }
      if constexpr (!in_registers) store_totals(total[p], tile, p);
    }
  }
  if constexpr (in_registers) {
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) store_totals(total[p], tile, p);
  }
}

/// The same with floats. Fields count from `middle`, so that zero points near it cost no accuracy.
template <int Bits, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_floats_of(const packed_exact_tile& tile) {
  const weights_view& w = *tile.weights.weights;
  constexpr int middle = 1 << (Bits - 1);
  value_tables tables = value_tables_of(w);
  if (!w.has_levels) tables.table = _mm512_sub_ps(tables.table, _mm512_set1_ps(middle));
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  __m512 total[Panels][Samples];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    const index_t panel = tile.weights.first_panel + (p < tile.weights.panels ? p * tile.weights.step : 0);
    fields[p] = w.unit(panel, 0);
    parameter[p] = w.parameter(panel, 0);
    load_totals(total[p], tile, p);
  }
  const float* x = tile.x;
  for (index_t g = 0, unit = 0; g < w.groups; ++g) {
    const index_t end = g + 1 < w.groups ? unit + w.group_units : w.units;
    __m512 sum[Panels][Samples];
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p)
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j) sum[p][j] = _mm512_setzero_ps();
    for (; unit < end; ++unit, x += unit_columns * Samples) {
#pragma GCC unroll 4
      for (int p = 0; p < Panels; ++p) {
        _mm_prefetch(fields[p] + fetched_ahead_of_floats, _MM_HINT_T0);
        if constexpr (Bits == 8) _mm_prefetch(fields[p] + fetched_ahead_of_floats + 64, _MM_HINT_T0);
#pragma GCC unroll 8
        for (int c = 0; c < unit_columns; ++c) {
          __m512 value;
          if constexpr (Bits == 4) {
            const auto down = static_cast<unsigned>(c < 4 ? 8 * c : 8 * (c - 4) + 4);
            value = _mm512_permutexvar_ps(_mm512_srli_epi32(load(fields[p]), down), tables.table);
          } else {  // a byte less 128 to the top of its lane, and down again with its sign
            const __m512i four = _mm512_xor_si512(load(fields[p] + c / 4 * 64), _mm512_set1_epi8(-128));
            const __m512i top = _mm512_slli_epi32(four, static_cast<unsigned>(24 - 8 * (c % 4)));
            value = _mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24));
          }
#pragma GCC unroll 4
          for (int j = 0; j < Samples; ++j)
            sum[p][j] = _mm512_fmadd_ps(value, _mm512_set1_ps(x[c * Samples + j]), sum[p][j]);
        }
        fields[p] += unit_bytes(Bits);
      }
    }
    const float* const x_sums = tile.x_sums + g * Samples;
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      const index_t at = parameter[p] + g * panel_rows;
      fetch_parameters(w, at);
      const __m512 scales = scales_at(w, at);
      const __m512 zero =
          w.has_levels
              ? _mm512_setzero_ps()
              : _mm512_cvtepi32_ps(_mm512_sub_epi32(zero_points_at(w, at), _mm512_set1_epi32(middle)));
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j) {
        const __m512 x_sum = _mm512_set1_ps(x_sums[j]);
        total[p][j] = _mm512_fmadd_ps(scales, _mm512_fnmadd_ps(zero, x_sum, sum[p][j]), total[p][j]);
      }
      if (!w.has_stored_offsets()) continue;
      const __m512 offsets = offsets_at(w, at);
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j)
        total[p][j] = _mm512_fnmadd_ps(offsets, _mm512_set1_ps(x_sums[j]), total[p][j]);
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) store_totals(total[p], tile, p);
}

/// The second half of the panels of a tile.
template <class Tile>
Tile second_half(Tile tile) {
  tile.weights.first_panel += 2 * tile.weights.step;
  tile.weights.panels -= 2;
  tile.y += 2 * panel_rows;
  return tile;
}

/// Calls multiply_packed_codes_of with a number of samples known at compile time, 1..tile_samples: with four
/// streams of memory where the sums fit the registers, else with two.
template <int Bits, bool Levels, int Samples = tile_samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_codes_by(const packed_tile& tile) {
  constexpr int panels = Samples <= 4 ? 4 : 2;
  if (tile.x.samples == Samples) {
    multiply_packed_codes_of<Bits, Levels, panels, Samples>(tile);
    if (tile.weights.panels > panels)
      multiply_packed_codes_of<Bits, Levels, panels, Samples>(second_half(tile));
    return;
  }
  if constexpr (Samples > 1) multiply_packed_codes_by<Bits, Levels, Samples - 1>(tile);
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_packed_codes(const packed_tile& tile) {
  if (tile.weights.weights->bits == 8) return multiply_packed_codes_by<8, false>(tile);
  if (tile.weights.weights->has_levels) return multiply_packed_codes_by<4, true>(tile);
  constexpr int few = packed_float_samples;
  switch (tile.weights.weights->bits) {
    case 2:
      return multiply_packed_codes_by<2, false, few>(tile);
    case 3:
      return multiply_packed_codes_by<3, false, few>(tile);
    case 5:
      return multiply_packed_codes_by<5, false, few>(tile);
    case 6:
      return multiply_packed_codes_by<6, false, few>(tile);
    default:
      multiply_packed_codes_by<4, false>(tile);
  }
}

template <int Bits>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_floats_by(const packed_exact_tile& tile) {
  if (tile.samples == 1) return multiply_packed_floats_of<Bits, 4, 1>(tile);
  if (tile.samples == 2) return multiply_packed_floats_of<Bits, 4, 2>(tile);
  const auto two =
      tile.samples == 3 ? multiply_packed_floats_of<Bits, 2, 3> : multiply_packed_floats_of<Bits, 2, 4>;
  two(tile);
  if (tile.weights.panels > 2) two(second_half(tile));
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_packed_floats(const packed_exact_tile& tile) {
  if (tile.weights.weights->bits == 8) return multiply_packed_floats_by<8>(tile);
  multiply_packed_floats_by<4>(tile);
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
