#pragma once

/// \file
/// Products of few samples of codes with AVX-512 VNNI: weights are read as they are packed, panel after panel: codes and
/// parameters are streams of memory each, and of those of several panels at once the processor loses track.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/unpack.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/vectors.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

inline bool multiplies_packed(const weights_view& w) {
  return w.bits == 4 || (w.bits == 8 && !w.has_levels);
}
/// The widths of K-quants.
inline bool multiplies_few_packed(const weights_view& w) {
  return !w.has_levels && (w.bits == 2 || w.bits == 3 || w.bits == 5 || w.bits == 6);
}

/// Sums of the first and of the second four columns of units where they have registers of their own: else each would
/// wait for the other.
template <int Panels, int Samples>
inline constexpr int chains = Panels * Samples <= 2 ? 2 : 1;

/// The sums of some panels and samples.
template <int Panels, int Samples>
using integer_sums = __m512i[Panels][Samples][chains<Panels, Samples>];

/// The next unit of a panel as unsigned bytes: fields, or with levels their bytes in `table`.
template <int Bits, bool Levels, index_t Ahead>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline unit_vectors next_unit(const std::uint8_t*& fields,
                                                                           __m512i table) {
  _mm_prefetch(fields + Ahead, _MM_HINT_T0);
  if constexpr (Bits > 4) _mm_prefetch(fields + Ahead + 64, _MM_HINT_T0);
  unit_vectors unit = unpack_unit<Bits>(fields);
  if constexpr (Levels) unit = {look_up(unit.first, table), look_up(unit.second, table)};
  fields += unit_bytes(Bits);
  return unit;
}

/// sum += the products of the next unit of each panel; of tiles, some of what is upcoming is fetched.
template <int Bits, bool Levels, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void add_unit(const std::uint8_t* (&fields)[Panels],
                                                                  const std::uint8_t* four, __m512i table,
                                                                  upcoming_memory& upcoming,
                                                                  integer_sums<Panels, Samples>& sum) {
  constexpr index_t ahead = Samples <= packed_samples ? fetched_ahead : fetched_ahead_of_tiles;
  constexpr int last = chains<Panels, Samples> - 1;
  if constexpr (Samples > packed_samples) {
    _mm_prefetch(four + activations_ahead, _MM_HINT_T0);
    _mm_prefetch(four + activations_ahead + 64, _MM_HINT_T0);
    _mm_prefetch(upcoming.at, _MM_HINT_T1);
    if constexpr (Bits > 4) _mm_prefetch(upcoming.at + 64, _MM_HINT_T1);
    upcoming.at += upcoming.bytes_of_unit;
  }
  unit_vectors unit[Panels];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) unit[p] = next_unit<Bits, Levels, ahead>(fields[p], table);
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) {
    const __m512i first = four_of(four + 4 * j), second = four_of(four + 4 * (Samples + j));
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      add_dot(sum[p][j][0], unit[p].first, first);
      add_dot(sum[p][j][last], unit[p].second, second);
    }
  }
}

/// Minus what the zero points of a group, from `parameter` on, add to the products of a panel.
template <int Samples, int Chains, class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void start_sums(__m512i (&sum)[Samples][Chains],
                                                                    const Weights& w, index_t parameter,
                                                                    int center, const std::int32_t* x_sums) {
  const __m512i zero = zero_points_at(w, parameter);
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) {
    sum[j][0] = w.zero_points == nullptr ? _mm512_set1_epi32(-center * x_sums[j])
                                         : _mm512_mullo_epi32(zero, _mm512_set1_epi32(-x_sums[j]));
    if constexpr (Chains == 2) sum[j][1] = _mm512_setzero_si512();
  }
}

/// `Panels` panels from number `first` of the tile on by `Samples` samples; sums in floats, too, stay in registers where
/// these are enough.
template <int Bits, bool Levels, parameter_kind Kind, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_codes_of(const packed_tile& tile, index_t first) {
  constexpr bool in_registers = Panels * Samples <= 8;
  const weights_view& w = *tile.weights.weights;
  const parameters_view<Kind> parameters(w);
  const activation_codes& x = tile.x;
  // code + 128, unsigned
  const __m512i table = _mm512_xor_si512(table_of_16(w.codes.data()), _mm512_set1_epi8(-128));
  const int center = Levels ? 128 : w.center;
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  __m512 total[Panels][Samples];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    const index_t number = first + p < tile.weights.panels ? first + p : first;
    const index_t panel = tile.weights.first_panel + number;
    fields[p] = w.unit(panel, tile.segments[0].first_unit);
    parameter[p] = w.parameter(panel, 0);
    if constexpr (in_registers) load_totals(total[p], tile, first + p);
  }
  const std::uint8_t* four = x.codes;
  upcoming_memory upcoming = tile.upcoming;
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t group = s.group * panel_rows, of_block = s.block * Samples, of_segment = i * Samples;
    integer_sums<Panels, Samples> sum;
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      fetch_parameters<fetched_groups>(parameters, parameter[p] + group);
      start_sums(sum[p], parameters, parameter[p] + group, center, x.sums + of_segment);
    }
    for (std::int32_t u = s.units; u > 0; --u, four += 2 * 4 * Samples)
      add_unit<Bits, Levels>(fields, four, table, upcoming, sum);
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      if constexpr (!in_registers) load_totals(total[p], tile, first + p);
      const __m512 scales = scales_at(parameters, parameter[p] + group);
#pragma GCC unroll 12
      for (int j = 0; j < Samples; ++j) {
        __m512i whole = sum[p][j][0];
        if constexpr (chains<Panels, Samples> == 2) whole = _mm512_add_epi32(whole, sum[p][j][1]);
        total[p][j] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole),
                            _mm512_mul_ps(scales, _mm512_set1_ps(x.scales[of_block + j])), total[p][j]);
      }
      if (parameters.has_stored_offsets()) {
        const __m512 offsets = offsets_at(parameters, parameter[p] + group);
#pragma GCC unroll 12
        for (int j = 0; j < Samples; ++j)
          total[p][j] = _mm512_fnmadd_ps(offsets, _mm512_set1_ps(x.scaled_sums[of_segment + j]), total[p][j]);
      }
      if constexpr (!in_registers) store_totals(total[p], tile, first + p);
    }
  }
  if constexpr (in_registers) {
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) store_totals(total[p], tile, first + p);
  }
}

/// Calls multiply_packed_codes_of with a number of samples known at compile time, 1..Samples. Of many samples, two
/// panels share what is read of the activations.
template <int Bits, bool Levels, parameter_kind Kind, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_codes_by(const packed_tile& tile) {
  constexpr int panels = Samples <= packed_samples ? 1 : 2;
  if (tile.x.samples == Samples) {
    for (index_t first = 0; first < tile.weights.panels; first += panels)
      multiply_packed_codes_of<Bits, Levels, Kind, panels, Samples>(tile, first);
    return;
  }
  if constexpr (Samples > 1) multiply_packed_codes_by<Bits, Levels, Kind, Samples - 1>(tile);
}

/// Calls multiply_packed_codes_by with the kind of the weights where it is one of `Kinds`; few samples alone.
template <int Bits, bool Levels, parameter_kind... Kinds>
[[BITGAUGE_AVX512_VNNI]] bool multiplies_kind(const packed_tile& tile) {
  const parameter_kind kind = kind_of(*tile.weights.weights);
  return tile.x.samples <= packed_samples &&
         ((kind == Kinds && (multiply_packed_codes_by<Bits, Levels, Kinds, packed_samples>(tile), true)) ||
          ...);
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_packed_codes(const packed_tile& tile) {
  using enum parameter_kind;
  const weights_view& w = *tile.weights.weights;
  constexpr int few = packed_samples;
  switch (w.bits) {
    case 2:
      return multiply_packed_codes_by<2, false, any, few>(tile);
    case 3:
      return multiply_packed_codes_by<3, false, any, few>(tile);
    case 5:
      return multiply_packed_codes_by<5, false, any, few>(tile);
    case 6:
      if (!multiplies_kind<6, false, factors>(tile)) multiply_packed_codes_by<6, false, any, few>(tile);
      return;
    case 8:
      if (!multiplies_kind<8, false, halves>(tile))
        multiply_packed_codes_by<8, false, any, tile_samples>(tile);
      return;
    default:
      break;
  }
  if (w.has_levels) {
    if (!multiplies_kind<4, true, halves, factors>(tile))
      multiply_packed_codes_by<4, true, any, tile_samples>(tile);
  } else if (!multiplies_kind<4, false, halves, halves_zero_points, factors_offsets>(tile)) {
    multiply_packed_codes_by<4, false, any, tile_samples>(tile);
  }
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
