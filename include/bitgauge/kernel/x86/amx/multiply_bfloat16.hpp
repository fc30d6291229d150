#pragma once

/// \file
/// Products of bfloat16 with AMX: two panels by 32 samples, sums in four tiles of floats.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/amx/tile_registers.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/unpack.hpp>

#include <cstdint>
#include <cstring>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::amx {

/// `samples` samples from `first` on, in `Halves` tiles; they are configured.
template <int Halves>
[[BITGAUGE_AMX]] void multiply_bfloat16_samples(const bfloat16_tile& tile, index_t first, index_t samples) {
  const index_t steps = tile.columns / bfloat16_step,
                y_bytes = tile.y_stride * static_cast<index_t>(sizeof(float));
  const index_t low = Halves == 2 ? sample_rows : samples, high = samples - low;
  const std::uint16_t* x0 = tile.x + tile.columns * first;
  const std::uint16_t* x1 = x0 + tile.columns * sample_rows;
  const std::uint16_t *w0 = tile.weights[0], *w1 = tile.weights[1];
  float* const y0 = tile.y + first * tile.y_stride;
  float* const y1 = y0 + sample_rows * tile.y_stride;
  load_tile<0>(y0, y_bytes);
  load_tile<1>(y0 + panel_rows, y_bytes);
  if constexpr (Halves == 2) {
    load_tile<2>(y1, y_bytes);
    load_tile<3>(y1 + panel_rows, y_bytes);
  }
  for (index_t step = 0; step < steps; ++step) {
    load_tile<6>(w0, 64);
    load_tile<4>(x0, 64);
    add_dot_bfloat16<0, 4, 6>();
    load_tile<7>(w1, 64);
    add_dot_bfloat16<1, 4, 7>();
    if constexpr (Halves == 2) {
      load_tile<5>(x1, 64);
      add_dot_bfloat16<2, 5, 6>();
      add_dot_bfloat16<3, 5, 7>();
    }
    w0 += bfloat16_step * panel_rows;
    w1 += bfloat16_step * panel_rows;
    x0 += low * bfloat16_step;
    x1 += high * bfloat16_step;
  }
  store_tile<0>(y0, y_bytes);
  store_tile<1>(y0 + panel_rows, y_bytes);
  if constexpr (Halves == 2) {
    store_tile<2>(y1, y_bytes);
    store_tile<3>(y1 + panel_rows, y_bytes);
  }
}

[[BITGAUGE_AMX]] inline void multiply_bfloat16(const bfloat16_tile& tile) {
  constexpr index_t at_once = 2 * sample_rows, x_bytes = 64;
  const index_t whole = tile.samples / at_once * at_once, rest = tile.samples - whole;
  if (whole > 0) {
    const tile_shapes shapes = shapes_of(sample_rows, sample_rows, x_bytes, sample_rows);
    configure_tiles(shapes);
    for (index_t first = 0; first < whole; first += at_once)
      multiply_bfloat16_samples<2>(tile, first, at_once);
  }
  if (rest > sample_rows) {
    const tile_shapes shapes = shapes_of(sample_rows, rest - sample_rows, x_bytes, sample_rows);
    configure_tiles(shapes);
    multiply_bfloat16_samples<2>(tile, whole, rest);
  } else if (rest > 0) {
    const tile_shapes shapes = shapes_of(rest, 0, x_bytes, sample_rows);
    configure_tiles(shapes);
    multiply_bfloat16_samples<1>(tile, whole, rest);
  }
  release_tiles();
}

/// Two columns of 16 rows as pairs of bfloat16.
[[BITGAUGE_AMX, gnu::always_inline]] inline __m512i pairs_of(__m512 first, __m512 second) {
  const __m512i together = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(second, first));
  const __m512i by_row = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                          22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(by_row, together);
}

template <int Bits>
[[BITGAUGE_AMX]] void unpack_bfloat16_of(const weights_view& w, index_t panel, index_t first_unit,
                                         index_t units, std::uint16_t* out) {
  using avx512_vnni::scales_at, avx512_vnni::zero_points_at, avx512_vnni::value_of;
  const avx512_vnni::value_tables tables = avx512_vnni::value_tables_of(w);
  const std::uint8_t* packed = w.unit(panel, first_unit);
  for (index_t u = first_unit; u < first_unit + units;) {
    const index_t group = u / w.group_units, parameter = w.parameter(panel, group);
    const index_t end_of_group = (group + 1) * w.group_units;
    const index_t end = end_of_group < first_unit + units ? end_of_group : first_unit + units;
    const __m512 scales = scales_at(w, parameter);
    const __m512 zero = w.has_levels ? _mm512_setzero_ps() : _mm512_cvtepi32_ps(zero_points_at(w, parameter));
    const __m512 offsets =
        w.has_stored_offsets() ? avx512_vnni::offsets_at(w, parameter) : _mm512_setzero_ps();
    for (; u < end; ++u, packed += unit_bytes(Bits), out += unit_fields) {
      const avx512_vnni::unit_vectors unit = avx512_vnni::unpack_unit<Bits>(packed);
#pragma GCC unroll 4
      for (int c = 0; c < unit_columns; c += 2) {
        const __m512i four = c < 4 ? unit.first : unit.second;
        const __m512i field0 = _mm512_srli_epi32(four, static_cast<unsigned>(8 * (c % 4)));
        const __m512i field1 = _mm512_srli_epi32(four, static_cast<unsigned>(8 * (c % 4) + 8));
        const __m512 first = _mm512_sub_ps(value_of<Bits>(field0, tables), zero);
        const __m512 second = _mm512_sub_ps(value_of<Bits>(field1, tables), zero);
        _mm512_storeu_si512(out + c * panel_rows, pairs_of(_mm512_fmsub_ps(scales, first, offsets),
                                                           _mm512_fmsub_ps(scales, second, offsets)));
      }
    }
  }
}

/// See product_operations.
[[BITGAUGE_AMX]] inline void unpack_bfloat16(const weights_view& w, index_t panel, index_t first_unit,
                                             index_t units, std::uint16_t* out) {
  constexpr index_t step_units = bfloat16_step / unit_columns;
  simd::detail::with_bits(w.bits,
                          [&]<int Bits>() { unpack_bfloat16_of<Bits>(w, panel, first_unit, units, out); });
  const index_t left = (step_units - units % step_units) % step_units;
  std::memset(out + units * unit_fields, 0, static_cast<std::size_t>(left * unit_fields) * sizeof *out);
}

/// See product_operations.
[[BITGAUGE_AMX]] inline void round_row(const float* x, index_t count, std::uint16_t* out) {
  for (index_t i = 0; i < count; i += 16) {
    const auto there = static_cast<__mmask16>(count - i >= 16 ? 0xffff : (1 << (count - i)) - 1);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, x + i));
    _mm256_mask_storeu_epi16(out + i, there, __builtin_bit_cast(__m256i, rounded));
  }
}

}  // namespace bitgauge::kernel::amx
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
