#pragma once

/// \file
/// Products of codes with AVX-512 VNNI: two panels by up to twelve samples, all sums in registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/vectors.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

/// Samples whose floating sums, too, stay in registers; of more, they are in memory between segments.
inline constexpr int samples_in_registers = 6;

/// The sums of a panel before the first product: - zero point of the activations * sum of codes.
template <int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void start_sums(__m512i (&sums)[Samples],
                                                                    const segment_parameters& w,
                                                                    const std::int32_t* zero_points) {
  const __m512i minus = _mm512_sub_epi32(_mm512_setzero_si512(), load(w.code_sums));
  if (zero_points == nullptr) {
    const __m512i start = _mm512_slli_epi32(minus, 7);
#pragma GCC unroll 12
    for (int j = 0; j < Samples; ++j) sums[j] = start;
  } else {
#pragma GCC unroll 12
    for (int j = 0; j < Samples; ++j) sums[j] = _mm512_mullo_epi32(minus, _mm512_set1_epi32(zero_points[j]));
  }
}

/// What is fetched ahead with each step: of the activations, or where `Samples` samples are the last of a tile of what is
/// upcoming.
template <int Samples>
[[gnu::always_inline]] inline upcoming_memory fetched_by_step(const integer_tile& tile, index_t first) {
  const activation_codes& x = tile.x;
  if (first + Samples < x.samples) return {x.codes + activations_ahead, 4 * x.samples};
  return {tile.upcoming.at, (tile.upcoming.bytes_of_unit + 1) / 2};
}

/// Adds the products of `steps` times four columns of two panels and some samples; the pointers then are behind them.
template <int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void add_products(
    __m512i (&sum0)[Samples], __m512i (&sum1)[Samples], const std::int8_t*& w0, const std::int8_t*& w1,
    const std::uint8_t*& four, index_t width, upcoming_memory& ahead, std::int32_t steps) {
  for (std::int32_t step = steps; step > 0; --step, w0 += 64, w1 += 64, four += 4 * width) {
    if constexpr (Samples > samples_in_registers) _mm_prefetch(four + activations_ahead, _MM_HINT_T0);
    _mm_prefetch(ahead.at, _MM_HINT_T0);
    ahead.at += ahead.bytes_of_unit;
    const __m512i codes0 = load(w0), codes1 = load(w1);
#pragma GCC unroll 12
    for (int j = 0; j < Samples; ++j) {
      const __m512i activations = four_of(four + 4 * j);
      add_dot(sum0[j], activations, codes0);
      add_dot(sum1[j], activations, codes1);
    }
  }
}

/// Sums in floats of two panels.
template <int Samples>
struct float_sums {
  __m512 first[Samples], second[Samples];
};
template <int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void load_sums(float_sums<Samples>& sums, const float* y,
                                                                   index_t stride) {
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) {
    sums.first[j] = _mm512_loadu_ps(y + j * stride);
    sums.second[j] = _mm512_loadu_ps(y + j * stride + panel_rows);
  }
}
template <int Samples>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void store_sums(const float_sums<Samples>& sums, float* y,
                                                                    index_t stride) {
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) {
    _mm512_storeu_ps(y + j * stride, sums.first[j]);
    _mm512_storeu_ps(y + j * stride + panel_rows, sums.second[j]);
  }
}

/// What a tile has: only scales of weights and activations; the latter all 1; or anything, such as zero points of
/// activations other than 128, and offsets.
enum class tile_kind : std::uint8_t { scaled, unscaled, general };

/// `Samples` samples of a tile from `first` on.
template <int Samples, tile_kind Kind>
[[BITGAUGE_AVX512_VNNI]] void multiply_samples(const integer_tile& tile, index_t first) {
  constexpr bool in_registers = Samples <= samples_in_registers;
  const activation_codes& x = tile.x;
  const index_t width = x.samples, y_stride = tile.y_stride;
  const std::uint8_t* four = x.codes + 4 * first;
  upcoming_memory ahead = fetched_by_step<Samples>(tile, first);
  const std::int8_t *w0 = tile.weights[0].codes, *w1 = tile.weights[1].codes;
  const segment_parameters *parameters0 = tile.weights[0].parameters,
                           *parameters1 = tile.weights[1].parameters;
  const float* const x_scales = x.scales + first;
  const float* scaled_sums = x.scaled_sums + first;
  float* const y = tile.y + first * y_stride;
  float_sums<Samples> total;
  if constexpr (in_registers) load_sums(total, y, y_stride);
  const segment* const end = tile.segments + tile.count;
  for (const segment* s = tile.segments; s < end; ++s, ++parameters0, ++parameters1, scaled_sums += width) {
    const index_t of_block = s->block * width;
    __m512i sum0[Samples], sum1[Samples];
    const std::int32_t* zero_points = nullptr;
    if constexpr (Kind == tile_kind::general)
      if (x.zero_points != nullptr) zero_points = x.zero_points + first + of_block;
    start_sums<Samples>(sum0, *parameters0, zero_points);
    start_sums<Samples>(sum1, *parameters1, zero_points);
    add_products(sum0, sum1, w0, w1, four, width, ahead, 2 * s->units);
    if constexpr (!in_registers) load_sums(total, y, y_stride);
    const __m512 scale0 = _mm512_load_ps(parameters0->scales), scale1 = _mm512_load_ps(parameters1->scales);
#pragma GCC unroll 12
    for (int j = 0; j < Samples; ++j) {
      if constexpr (Kind == tile_kind::unscaled) {
        total.first[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum0[j]), scale0, total.first[j]);
        total.second[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum1[j]), scale1, total.second[j]);
        continue;
      }
      const __m512 scale = _mm512_set1_ps(x_scales[of_block + j]);
      total.first[j] =
          _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum0[j]), _mm512_mul_ps(scale0, scale), total.first[j]);
      total.second[j] =
          _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum1[j]), _mm512_mul_ps(scale1, scale), total.second[j]);
    }
    if (Kind == tile_kind::general && tile.has_offsets) {
      const __m512 offset0 = _mm512_load_ps(parameters0->offsets),
                   offset1 = _mm512_load_ps(parameters1->offsets);
#pragma GCC unroll 12
      for (int j = 0; j < Samples; ++j) {
        const __m512 scaled_sum = _mm512_set1_ps(scaled_sums[j]);
        total.first[j] = _mm512_fnmadd_ps(offset0, scaled_sum, total.first[j]);
        total.second[j] = _mm512_fnmadd_ps(offset1, scaled_sum, total.second[j]);
      }
    }
    if constexpr (!in_registers) store_sums(total, y, y_stride);
  }
  if constexpr (in_registers) store_sums(total, y, y_stride);
}

/// The same where segments share scales of the activations: their sums, scaled by the weights alone, stay in registers,
/// and are scaled once for all.
template <int Samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_shared(const integer_tile& tile, index_t first) {
  const activation_codes& x = tile.x;
  const index_t width = x.samples, y_stride = tile.y_stride;
  const std::uint8_t* four = x.codes + 4 * first;
  upcoming_memory ahead = fetched_by_step<Samples>(tile, first);
  const std::int8_t *w0 = tile.weights[0].codes, *w1 = tile.weights[1].codes;
  const segment_parameters *parameters0 = tile.weights[0].parameters,
                           *parameters1 = tile.weights[1].parameters;
  const std::int32_t* x_sums = x.sums + first;
  float* const y = tile.y + first * y_stride;
  const bool has_offsets = tile.has_offsets;
  const segment* const end = tile.segments + tile.count;
  for (const segment* s = tile.segments; s < end;) {
    const std::int32_t block = s->block;
    float_sums<Samples> total;
#pragma GCC unroll 12
    for (int j = 0; j < Samples; ++j) total.first[j] = total.second[j] = _mm512_setzero_ps();
    for (; s < end && s->block == block; ++s, ++parameters0, ++parameters1, x_sums += width) {
      __m512i sum0[Samples], sum1[Samples];
      start_sums<Samples>(sum0, *parameters0, nullptr);
      start_sums<Samples>(sum1, *parameters1, nullptr);
      add_products(sum0, sum1, w0, w1, four, width, ahead, 2 * s->units);
      const __m512 scale0 = _mm512_load_ps(parameters0->scales), scale1 = _mm512_load_ps(parameters1->scales);
#pragma GCC unroll 12
      for (int j = 0; j < Samples; ++j) {
        total.first[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum0[j]), scale0, total.first[j]);
        total.second[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum1[j]), scale1, total.second[j]);
      }
      if (!has_offsets) continue;
      const __m512 offset0 = _mm512_load_ps(parameters0->offsets),
                   offset1 = _mm512_load_ps(parameters1->offsets);
#pragma GCC unroll 12
      for (int j = 0; j < Samples; ++j) {
        const __m512 x_sum = _mm512_cvtepi32_ps(_mm512_set1_epi32(x_sums[j]));
        total.first[j] = _mm512_fnmadd_ps(offset0, x_sum, total.first[j]);
        total.second[j] = _mm512_fnmadd_ps(offset1, x_sum, total.second[j]);
      }
    }
    const float* const scales = x.scales + first + block * width;
#pragma GCC unroll 12
    for (int j = 0; j < Samples; ++j) {
      const __m512 scale = _mm512_set1_ps(scales[j]);
      float* const to = y + j * y_stride;
      _mm512_storeu_ps(to, _mm512_fmadd_ps(total.first[j], scale, _mm512_loadu_ps(to)));
      _mm512_storeu_ps(to + panel_rows,
                       _mm512_fmadd_ps(total.second[j], scale, _mm512_loadu_ps(to + panel_rows)));
    }
  }
}

/// Calls multiply_shared with a number of samples known at compile time, 1..samples_in_registers.
template <int Samples = samples_in_registers>
[[BITGAUGE_AVX512_VNNI]] void multiply_few_shared(const integer_tile& tile, index_t first, index_t samples) {
  if (samples == Samples) return multiply_shared<Samples>(tile, first);
  if constexpr (Samples > 1) multiply_few_shared<Samples - 1>(tile, first, samples);
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_shared_tile(const integer_tile& tile) {
  static_assert(2 * samples_in_registers == tile_samples);
  const index_t samples = tile.x.samples, half = (samples + 1) / 2;
  multiply_few_shared(tile, 0, half);
  if (samples > half) multiply_few_shared(tile, half, samples - half);
}

/// Calls multiply_samples with a number of samples known at compile time, 1..tile_samples.
template <tile_kind Kind, int Samples = tile_samples>
[[BITGAUGE_AVX512_VNNI]] void multiply_known(const integer_tile& tile, index_t first, index_t samples) {
  if (samples == Samples) return multiply_samples<Samples, Kind>(tile, first);
  if constexpr (Samples > 1) multiply_known<Kind, Samples - 1>(tile, first, samples);
}

template <tile_kind Kind>
[[BITGAUGE_AVX512_VNNI]] void multiply_tile(const integer_tile& tile) {
  // long segments: more sums in registers are worth the way to memory between segments
  constexpr index_t long_segment = 32;
  const index_t samples = tile.x.samples, half = (samples + 1) / 2;
  if (samples <= samples_in_registers || tile.segments[0].units >= long_segment)
    return multiply_known<Kind>(tile, 0, samples);
  multiply_known<Kind>(tile, 0, half);
  multiply_known<Kind>(tile, half, samples - half);
}

[[BITGAUGE_AVX512_VNNI]] inline void multiply_codes(const integer_tile& tile) {
  if (tile.shares_scales && tile.x.zero_points == nullptr && (tile.has_offsets || !tile.x.unscaled))
    return multiply_shared_tile(tile);
  if (tile.has_offsets || tile.x.zero_points != nullptr) return multiply_tile<tile_kind::general>(tile);
  if (tile.x.unscaled) return multiply_tile<tile_kind::unscaled>(tile);
  multiply_tile<tile_kind::scaled>(tile);
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
