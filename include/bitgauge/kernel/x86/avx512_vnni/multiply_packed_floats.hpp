#pragma once

/// \file
/// Products of few samples of floats with AVX-512: weights are read as they are packed.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/unpack.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/vectors.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

/// Sums of columns c, c + n, .. of a panel and a sample, so that they need not wait for each other.
template <int Panels, int Samples>
inline constexpr int float_chains = Panels * Samples == 2 ? 4 : 2;

template <int Chains>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512 sum_of(const __m512 (&chain)[Chains]) {
  const __m512 two = _mm512_add_ps(chain[0], chain[1]);
  if constexpr (Chains == 2)
    return two;
  else
    return _mm512_add_ps(two, _mm512_add_ps(chain[2], chain[3]));
}

/// A unit as it is packed: 4-bit fields are read from each of four bytes on, where shifts would bring them; these take
/// the ports that sums want. Fields of 8 bits count from 128.
template <int Bits>
struct packed_unit {
  __m512i from[Bits == 4 ? 4 : 2];

  [[BITGAUGE_AVX512_VNNI, gnu::always_inline]] explicit packed_unit(const std::uint8_t* fields) {
    if constexpr (Bits == 4) {
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) {
        from[c] = load(fields + c);
        asm("" : "+v"(from[c]));  // else GCC reads it twice
      }
    } else {
#pragma GCC unroll 2
      for (int c = 0; c < 2; ++c) from[c] = _mm512_xor_si512(load(fields + 64 * c), _mm512_set1_epi8(-128));
    }
  }

  /// The values of column `c`.
  [[BITGAUGE_AVX512_VNNI, gnu::always_inline]] __m512 value(int c, __m512 table) const {
    if constexpr (Bits == 4)
      return _mm512_permutexvar_ps(c < 4 ? from[c] : _mm512_srli_epi32(from[c - 4], 4), table);
    // a byte to the top of its lane, and down again with its sign
    const __m512i top = _mm512_slli_epi32(from[c / 4], static_cast<unsigned>(24 - 8 * (c % 4)));
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24));
  }
};

/// The same with floats: the panels number `first` and, where there are two, `first` + `distance` of the tile. Fields
/// count from `middle`, so that zero points near it cost no accuracy.
template <int Bits, parameter_kind Kind, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_floats_of(const packed_exact_tile& tile, index_t first,
                                                        index_t distance) {
  const weights_view& w = *tile.weights.weights;
  const parameters_view<Kind> parameters(w);
  constexpr int middle = 1 << (Bits - 1), chains = float_chains<Panels, Samples>;
  value_tables tables = value_tables_of(w);
  if (!w.has_levels) tables.table = _mm512_sub_ps(tables.table, _mm512_set1_ps(middle));
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  __m512 total[Panels][Samples];
#pragma GCC unroll 2
  for (int p = 0; p < Panels; ++p) {
    const index_t number = first + p * distance;
    const index_t panel = tile.weights.first_panel + (number < tile.weights.panels ? number : first);
    fields[p] = w.unit(panel, 0);
    parameter[p] = w.parameter(panel, 0);
    load_totals(total[p], tile, number);
  }
  const float* x = tile.x;
  for (index_t g = 0, unit = 0; g < w.groups; ++g) {
    const index_t end = g + 1 < w.groups ? unit + w.group_units : w.units;
    __m512 sum[Panels][Samples][chains];
#pragma GCC unroll 2
    for (int p = 0; p < Panels; ++p)
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j)
#pragma GCC unroll 4
        for (int i = 0; i < chains; ++i) sum[p][j][i] = _mm512_setzero_ps();
    for (; unit < end; ++unit, x += unit_columns * Samples) {
#pragma GCC unroll 2
      for (int p = 0; p < Panels; ++p) {
        _mm_prefetch(fields[p] + fetched_ahead, _MM_HINT_T0);
        if constexpr (Bits == 8) _mm_prefetch(fields[p] + fetched_ahead + 64, _MM_HINT_T0);
        const packed_unit<Bits> packed(fields[p]);
#pragma GCC unroll 8
        for (int c = 0; c < unit_columns; ++c) {
          const __m512 value = packed.value(c, tables.table);
#pragma GCC unroll 4
          for (int j = 0; j < Samples; ++j)
            sum[p][j][c % chains] =
                _mm512_fmadd_ps(value, _mm512_set1_ps(x[c * Samples + j]), sum[p][j][c % chains]);
        }
        fields[p] += unit_bytes(Bits);
      }
    }
    const float* const x_sums = tile.x_sums + g * Samples;
#pragma GCC unroll 2
    for (int p = 0; p < Panels; ++p) {
      const index_t at = parameter[p] + g * panel_rows;
      fetch_parameters<fetched_groups>(parameters, at);
      const __m512 scales = scales_at(parameters, at);
      const __m512 zero = w.has_levels ? _mm512_setzero_ps()
                                       : _mm512_cvtepi32_ps(_mm512_sub_epi32(zero_points_at(parameters, at),
                                                                             _mm512_set1_epi32(middle)));
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j) {
        const __m512 x_sum = _mm512_set1_ps(x_sums[j]);
        total[p][j] = _mm512_fmadd_ps(scales, _mm512_fnmadd_ps(zero, x_sum, sum_of(sum[p][j])), total[p][j]);
      }
      if (!parameters.has_stored_offsets()) continue;
      const __m512 offsets = offsets_at(parameters, at);
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j)
        total[p][j] = _mm512_fnmadd_ps(offsets, _mm512_set1_ps(x_sums[j]), total[p][j]);
    }
  }
#pragma GCC unroll 2
  for (int p = 0; p < Panels; ++p) store_totals(total[p], tile, first + p * distance);
}

/// Two panels share what is read of one or two samples: they are half the tile apart, so that each goes on in memory
/// where it was.
template <int Bits, parameter_kind Kind>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_floats_by(const packed_exact_tile& tile) {
  static_assert(packed_float_samples == 4);
  using enum parameter_kind;
  const index_t panels = tile.weights.panels, half = (panels + 1) / 2;
  if (tile.samples <= 2) {
    const auto two = tile.samples == 1 ? multiply_packed_floats_of<Bits, Kind, 2, 1>
                                       : multiply_packed_floats_of<Bits, Kind, 2, 2>;
    for (index_t p = 0; p < half; ++p) two(tile, p, half);
  } else {
    const auto one = tile.samples == 3 ? multiply_packed_floats_of<Bits, any, 1, 3>
                                       : multiply_packed_floats_of<Bits, any, 1, 4>;
    for (index_t p = 0; p < panels; ++p) one(tile, p, 0);
  }
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_packed_floats(const packed_exact_tile& tile) {
  using enum parameter_kind;
  if (tile.weights.weights->bits == 8) return multiply_packed_floats_by<8, any>(tile);
  switch (kind_of(*tile.weights.weights)) {
    case halves_zero_points:
      return multiply_packed_floats_by<4, halves_zero_points>(tile);
    case factors_offsets:
      return multiply_packed_floats_by<4, factors_offsets>(tile);
    default:
      return multiply_packed_floats_by<4, any>(tile);
  }
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
