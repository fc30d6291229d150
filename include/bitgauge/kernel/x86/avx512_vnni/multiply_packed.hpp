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

inline bool multiplies_packed(const weights_view& w) {
  return w.bits == 4 || (w.bits == 8 && !w.has_levels);
}

/// How far ahead of what is multiplied memory is fetched.
inline constexpr index_t fetched_ahead = 1024;

/// `Panels` panels by `Samples` samples. Fields are the unsigned bytes of the products and activations, less
/// 128, the signed ones; what the zero points add is subtracted in integers.
template <int Bits, bool Levels, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_codes_of(const packed_tile& tile) {
  const weights_view& w = *tile.weights;
  const activation_codes& x = tile.x;
  const __m512i turn = _mm512_set1_epi8(-128);
  const __m512i table = _mm512_xor_si512(table_of_16(w.codes.data()), turn);  // code + 128, unsigned
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  __m512 total[Panels][Samples];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    const index_t panel = tile.first_panel + (p < tile.panels ? p : 0);
    fields[p] = w.unit(panel, 0);
    parameter[p] = w.parameter(panel, 0);
#pragma GCC unroll 4
    for (int j = 0; j < Samples; ++j) total[p][j] = _mm512_setzero_ps();
  }
  const std::uint8_t* four = x.codes;
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t group = s.group * panel_rows, of_block = s.block * Samples, of_segment = i * Samples;
    __m512i sum[Panels][Samples];
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      if (Levels || w.zero_points == nullptr) {
        const int zero = Levels ? 128 : w.center;
#pragma GCC unroll 4
        for (int j = 0; j < Samples; ++j) sum[p][j] = _mm512_set1_epi32(-zero * x.sums[of_segment + j]);
      } else {
        const __m512i zero = zero_points_at(w, parameter[p] + group);
#pragma GCC unroll 4
        for (int j = 0; j < Samples; ++j)
          sum[p][j] = _mm512_mullo_epi32(zero, _mm512_set1_epi32(-x.sums[of_segment + j]));
      }
    }
    for (std::int32_t u = s.units; u > 0; --u, four += 8 * Samples) {
      __m512i activations[2][Samples];
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j) {
        activations[0][j] = _mm512_xor_si512(four_of(four + 4 * j), turn);
        activations[1][j] = _mm512_xor_si512(four_of(four + 4 * (Samples + j)), turn);
      }
#pragma GCC unroll 4
      for (int p = 0; p < Panels; ++p) {
        _mm_prefetch(fields[p] + fetched_ahead, _MM_HINT_T0);
        if constexpr (Bits == 8) _mm_prefetch(fields[p] + fetched_ahead + 64, _MM_HINT_T0);
        unit_vectors unit = unpack_unit<Bits>(fields[p]);
        if constexpr (Levels) unit = {look_up(unit.first, table), look_up(unit.second, table)};
        fields[p] += unit_bytes(Bits);
#pragma GCC unroll 4
        for (int j = 0; j < Samples; ++j) {
          add_dot(sum[p][j], unit.first, activations[0][j]);
          add_dot(sum[p][j], unit.second, activations[1][j]);
        }
      }
    }
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
      const __m512 scales = scales_at(w, parameter[p] + group);
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j)
        total[p][j] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[p][j]),
                            _mm512_mul_ps(scales, _mm512_set1_ps(x.scales[of_block + j])), total[p][j]);
      if (w.offsets == nullptr) continue;
      const __m512 offsets = _mm512_loadu_ps(w.offsets + parameter[p] + group);
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j)
        total[p][j] = _mm512_fnmadd_ps(offsets, _mm512_set1_ps(x.scaled_sums[of_segment + j]), total[p][j]);
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    if (p >= tile.panels) continue;
#pragma GCC unroll 4
    for (int j = 0; j < Samples; ++j) {
      float* const y = tile.y + j * tile.y_stride + p * panel_rows;
      _mm512_storeu_ps(y, _mm512_add_ps(_mm512_loadu_ps(y), total[p][j]));
    }
  }
}

/// The same with floats. Fields count from `middle`, so that zero points near it cost no accuracy.
template <int Bits, int Panels, int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_floats_of(const packed_exact_tile& tile) {
  const weights_view& w = *tile.weights;
  constexpr int middle = 1 << (Bits - 1);
  value_tables tables = value_tables_of(w);
  if (!w.has_levels) tables.table = _mm512_sub_ps(tables.table, _mm512_set1_ps(middle));
  const std::uint8_t* fields[Panels];
  index_t parameter[Panels];
  __m512 total[Panels][Samples];
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    const index_t panel = tile.first_panel + (p < tile.panels ? p : 0);
    fields[p] = w.unit(panel, 0);
    parameter[p] = w.parameter(panel, 0);
#pragma GCC unroll 4
    for (int j = 0; j < Samples; ++j) total[p][j] = _mm512_setzero_ps();
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
        _mm_prefetch(fields[p] + fetched_ahead, _MM_HINT_T0);
        if constexpr (Bits == 8) _mm_prefetch(fields[p] + fetched_ahead + 64, _MM_HINT_T0);
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
      const __m512 scales = scales_at(w, at);
      const __m512 zero =
          w.has_levels
              ? _mm512_setzero_ps()
              : _mm512_cvtepi32_ps(_mm512_sub_epi32(zero_points_at(w, at), _mm512_set1_epi32(middle)));
#pragma GCC unroll 4
      for (int j = 0; j < Samples; ++j) {
        const __m512 x_sum = _mm512_set1_ps(x_sums[j]);
        total[p][j] = _mm512_fmadd_ps(scales, _mm512_fnmadd_ps(zero, x_sum, sum[p][j]), total[p][j]);
        if (w.offsets != nullptr)
          total[p][j] = _mm512_fnmadd_ps(_mm512_loadu_ps(w.offsets + at), x_sum, total[p][j]);
      }
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < Panels; ++p) {
    if (p >= tile.panels) continue;
#pragma GCC unroll 4
    for (int j = 0; j < Samples; ++j) {
      float* const y = tile.y + j * tile.y_stride + p * panel_rows;
      _mm512_storeu_ps(y, _mm512_add_ps(_mm512_loadu_ps(y), total[p][j]));
    }
  }
}

/// The second half of the panels of a tile.
template <class Tile>
Tile second_half(Tile tile) {
  tile.first_panel += 2;
  tile.panels -= 2;
  tile.y += 2 * panel_rows;
  return tile;
}

template <int Bits, bool Levels>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_codes_by(const packed_tile& tile) {
  if (tile.x.samples == 1) return multiply_packed_codes_of<Bits, Levels, 4, 1>(tile);
  if (tile.x.samples == 2) return multiply_packed_codes_of<Bits, Levels, 4, 2>(tile);
  const auto two = tile.x.samples == 3 ? multiply_packed_codes_of<Bits, Levels, 2, 3>
                                       : multiply_packed_codes_of<Bits, Levels, 2, 4>;
  two(tile);
  if (tile.panels > 2) two(second_half(tile));
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_packed_codes(const packed_tile& tile) {
  if (tile.weights->bits == 8) return multiply_packed_codes_by<8, false>(tile);
  if (tile.weights->has_levels) return multiply_packed_codes_by<4, true>(tile);
  multiply_packed_codes_by<4, false>(tile);
}

template <int Bits>
[[BITGAUGE_AVX512_VNNI]] void multiply_packed_floats_by(const packed_exact_tile& tile) {
  if (tile.samples == 1) return multiply_packed_floats_of<Bits, 4, 1>(tile);
  if (tile.samples == 2) return multiply_packed_floats_of<Bits, 4, 2>(tile);
  const auto two =
      tile.samples == 3 ? multiply_packed_floats_of<Bits, 2, 3> : multiply_packed_floats_of<Bits, 2, 4>;
  two(tile);
  if (tile.panels > 2) two(second_half(tile));
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_packed_floats(const packed_exact_tile& tile) {
  if (tile.weights->bits == 8) return multiply_packed_floats_by<8>(tile);
  multiply_packed_floats_by<4>(tile);
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
