#pragma once

/// \file
/// Products of codes with AMX: two panels by 32 samples in four tiles of sums. The sums of a segment are scaled from
/// memory beside the products of the next.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/amx/tile_registers.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::amx {

/// Samples of two tiles.
inline constexpr index_t samples_at_once = 2 * sample_rows;

/// Sums of products of codes of a segment.
struct alignas(64) sums_of_codes {
  std::int32_t of[samples_at_once][tile_panels][panel_rows];
};

/// Scales the sums of the samples from .. to - 1 (of those from `first` on) of segment `index` and adds them to the
/// tile's products. `General`: with zero points of activations other than 128, or with offsets.
template <bool General>
[[BITGAUGE_AMX, gnu::always_inline]] inline void add_scaled(const integer_tile& tile, index_t index,
                                                            index_t first, const sums_of_codes& sums,
                                                            index_t from, index_t to) {
  const activation_codes& x = tile.x;
  const segment_parameters &own0 = tile.weights[0].parameters[index],
                           &own1 = tile.weights[1].parameters[index];
  const __m512 scale0 = _mm512_load_ps(own0.scales), scale1 = _mm512_load_ps(own1.scales);
  const index_t of_block = tile.segments[index].block * x.samples + first;
  const float *const scales = x.scales + of_block, *const scaled_sums =
                                                       x.scaled_sums + index * x.samples + first;
  const std::int32_t* const zero_points = x.zero_points != nullptr ? x.zero_points + of_block : nullptr;
  const bool has_offsets = tile.has_offsets;
  const index_t stride = tile.y_stride;
  float* y = tile.y + (first + from) * stride;
  for (index_t j = from; j < to; ++j, y += stride) {
    __m512i sum0 = _mm512_load_si512(sums.of[j][0]), sum1 = _mm512_load_si512(sums.of[j][1]);
    if (General && zero_points != nullptr) {
      const __m512i zero = _mm512_set1_epi32(zero_points[j] - 128);
      sum0 = _mm512_sub_epi32(sum0, _mm512_mullo_epi32(zero, _mm512_load_si512(own0.code_sums)));
      sum1 = _mm512_sub_epi32(sum1, _mm512_mullo_epi32(zero, _mm512_load_si512(own1.code_sums)));
    }
    const __m512 scale = _mm512_set1_ps(scales[j]);
    __m512 total0 =
        _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum0), _mm512_mul_ps(scale0, scale), _mm512_loadu_ps(y));
    __m512 total1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum1), _mm512_mul_ps(scale1, scale),
                                    _mm512_loadu_ps(y + panel_rows));
    if (General && has_offsets) {
      const __m512 scaled_sum = _mm512_set1_ps(scaled_sums[j]);
      total0 = _mm512_fnmadd_ps(_mm512_load_ps(own0.offsets), scaled_sum, total0);
      total1 = _mm512_fnmadd_ps(_mm512_load_ps(own1.offsets), scaled_sum, total1);
    }
    _mm512_storeu_ps(y, total0);
    _mm512_storeu_ps(y + panel_rows, total1);
  }
}

/// `samples` samples from `first` on, in `Halves` tiles; they are configured.
template <int Halves, bool General>
[[BITGAUGE_AMX]] void multiply_samples(const integer_tile& tile, index_t first, index_t samples) {
  const index_t x_bytes = 4 * tile.x.fours, w_bytes = 64 * tile.x.fours;
  const index_t low = Halves == 2 ? sample_rows : samples, high = samples - low;
  const std::uint8_t* x0 = tile.x.codes + tile.x.steps * x_bytes * first;
  const std::uint8_t* x1 = x0 + tile.x.steps * x_bytes * sample_rows;
  const std::int8_t *w0 = tile.weights[0].codes, *w1 = tile.weights[1].codes;
  sums_of_codes both[2];  // the sums of a segment are scaled while those of the next come
  for (index_t i = 0; i < tile.count; ++i) {
    const segment& s = tile.segments[i];
    const index_t beside =
        i > 0 ? (samples + s.steps - 1) / s.steps : 0;  // samples that are scaled in a step
    zero_tile<0>();
    zero_tile<1>();
    if constexpr (Halves == 2) {
      zero_tile<2>();
      zero_tile<3>();
    }
    index_t scaled = 0;
    for (index_t step = 0; step < s.steps; ++step) {
      load_tile<6>(w0 + step * w_bytes, 64);
      load_tile<4>(x0, x_bytes);
      add_dot_bytes<0, 4, 6>();
      load_tile<7>(w1 + step * w_bytes, 64);
      add_dot_bytes<1, 4, 7>();
      if constexpr (Halves == 2) {
        load_tile<5>(x1, x_bytes);
        add_dot_bytes<2, 5, 6>();
        add_dot_bytes<3, 5, 7>();
      }
      x0 += low * x_bytes;
      x1 += high * x_bytes;
      const index_t end = scaled + beside < samples ? scaled + beside : samples;
      if (scaled < end && i > 0) add_scaled<General>(tile, i - 1, first, both[(i - 1) % 2], scaled, end);
      scaled = end;
    }
    w0 += s.units * unit_fields;
    w1 += s.units * unit_fields;
    constexpr index_t stride = sizeof both[0].of[0];
    auto& sums = both[i % 2].of;
    store_tile<0>(sums[0][0], stride);
    store_tile<1>(sums[0][1], stride);
    if constexpr (Halves == 2) {
      store_tile<2>(sums[sample_rows][0], stride);
      store_tile<3>(sums[sample_rows][1], stride);
    }
  }
  if (tile.count > 0)
    add_scaled<General>(tile, tile.count - 1, first, both[(tile.count - 1) % 2], 0, samples);
}

template <bool General>
[[BITGAUGE_AMX]] void multiply_tile(const integer_tile& tile) {
  const index_t samples = tile.x.samples, fours = tile.x.fours;
  const index_t whole = samples / samples_at_once * samples_at_once, rest = samples - whole;
  if (whole > 0) {
    const tile_shapes shapes = shapes_of(sample_rows, sample_rows, 4 * fours, fours);
    configure_tiles(shapes);
    for (index_t first = 0; first < whole; first += samples_at_once)
      multiply_samples<2, General>(tile, first, samples_at_once);
  }
  if (rest > sample_rows) {
    const tile_shapes shapes = shapes_of(sample_rows, rest - sample_rows, 4 * fours, fours);
    configure_tiles(shapes);
    multiply_samples<2, General>(tile, whole, rest);
  } else if (rest > 0) {
    const tile_shapes shapes = shapes_of(rest, 0, 4 * fours, fours);
    configure_tiles(shapes);
    multiply_samples<1, General>(tile, whole, rest);
  }
  release_tiles();
}

[[BITGAUGE_AMX]] inline void multiply_codes(const integer_tile& tile) {
  if (tile.has_offsets || tile.x.zero_points != nullptr) return multiply_tile<true>(tile);
  multiply_tile<false>(tile);
}

/// The first `count` of 64 bytes.
[[BITGAUGE_AMX, gnu::always_inline]] inline __mmask64 first_bytes(index_t count) {
  return count >= 64 ? ~__mmask64{0} : count <= 0 ? __mmask64{0} : (__mmask64{1} << count) - 1;
}

/// See product_operations.
[[BITGAUGE_AMX]] inline std::int32_t pack_code_row(const code_row& row) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(row.flip)), ones = _mm512_set1_epi8(1);
  const index_t size = 4 * row.fours;
  const __mmask64 whole = first_bytes(size);
  __m512i sums = _mm512_setzero_si512();
  const __m512i fill = _mm512_set1_epi8(static_cast<char>(row.fill));
  const index_t filled = row.filled - row.columns;
  index_t left = row.columns;
  const std::uint8_t* from = row.codes;
  std::uint8_t* to = row.to;
  for (index_t step = 0; step < row.steps; ++step, from += size, left -= size, to += row.stride) {
    const __mmask64 there = whole & first_bytes(left);
    const __m512i codes =
        _mm512_maskz_mov_epi8(there, _mm512_xor_si512(_mm512_maskz_loadu_epi8(there, from), flip));
    sums = _mm512_dpbusd_epi32(sums, ones, codes);
    const __mmask64 filled_up = first_bytes(left + filled) & ~there;
    _mm512_mask_storeu_epi8(to, whole, _mm512_mask_mov_epi8(codes, filled_up, fill));
  }
  return _mm512_reduce_add_epi32(sums);
}

}  // namespace bitgauge::kernel::amx
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
