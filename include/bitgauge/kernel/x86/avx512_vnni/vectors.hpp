#pragma once

/// \file
/// The words that kernels with AVX-512 VNNI are written in.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/layout.hpp>

#include <cstdint>
#include <cstring>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i load(const void* from) {
  return _mm512_loadu_si512(from);
}

/// Four bytes, in every lane.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i four_of(const void* from) {
  int four;
  std::memcpy(&four, from, sizeof four);
  return _mm512_set1_epi32(four);
}

/// sum += the products of four unsigned and four signed bytes in each lane. With GCC in words of the assembler:
/// its version 12 copies the sum for its own intrinsic, which costs a third of the speed.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void add_dot(__m512i& sum, __m512i unsigned_bytes,
                                                                 __m512i signed_bytes) {
#if defined(__GNUC__) && !defined(__clang__)
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
#else
  sum = _mm512_dpbusd_epi32(sum, unsigned_bytes, signed_bytes);
#endif
}

/// Which parameters weights have. The frequent kinds are known at compile time where there is little else to do: what
/// they lack takes neither registers nor branches.
enum class parameter_kind : std::uint8_t {
  any,
  halves,              ///< scales of binary16
  halves_zero_points,  ///< and zero points
  factors,             ///< factors of scales of super-groups in binary16
  factors_offsets,     ///< and of offsets
};
inline parameter_kind kind_of(const weights_view& w) {
  if (w.half_scales == nullptr || w.offsets != nullptr) return parameter_kind::any;
  const bool has_offsets = w.half_offsets != nullptr;
  if (w.scale_factors == nullptr)
    return has_offsets                ? parameter_kind::any
           : w.zero_points == nullptr ? parameter_kind::halves
                                      : parameter_kind::halves_zero_points;
  if (w.zero_points != nullptr || (has_offsets && w.offset_factors == nullptr)) return parameter_kind::any;
  return has_offsets ? parameter_kind::factors_offsets : parameter_kind::factors;
}

/// The parameters of weights of a kind.
template <parameter_kind Kind>
struct parameters_view {
  static constexpr bool any = Kind == parameter_kind::any,
                        has_factors = any || Kind >= parameter_kind::factors,
                        has_offsets = any || Kind == parameter_kind::factors_offsets,
                        has_zero_points = any || Kind == parameter_kind::halves_zero_points;
  const std::uint16_t *half_scales, *half_offsets;
  const float *scales, *offsets;
  const std::uint8_t* zero_points;
  const std::int8_t *scale_factors, *offset_factors;
  int super_shift, center;

  [[gnu::always_inline]] explicit parameters_view(const weights_view& w)
      : half_scales(w.half_scales),
        half_offsets(has_offsets ? w.half_offsets : nullptr),
        scales(any ? w.scales : nullptr),
        offsets(any ? w.offsets : nullptr),
        zero_points(has_zero_points ? w.zero_points : nullptr),
        scale_factors(has_factors ? w.scale_factors : nullptr),
        offset_factors(has_offsets ? w.offset_factors : nullptr),
        super_shift(w.super_shift),
        center(w.center) {
    if constexpr (any) return;
    if (half_scales == nullptr || (has_zero_points && zero_points == nullptr) ||
        (has_factors && scale_factors == nullptr) ||
        (has_offsets && (half_offsets == nullptr || offset_factors == nullptr)))
      __builtin_unreachable();
  }
  [[gnu::always_inline]] index_t shared_parameter(index_t at) const {
    return (at / panel_rows >> super_shift) * panel_rows;
  }
  [[gnu::always_inline]] bool has_stored_offsets() const {
    return offsets != nullptr || half_offsets != nullptr;
  }
};

/// 16 numbers of a group of a panel, as they are stored, times their factors where there are factors.
template <class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512 parameters_at(const Weights& w,
                                                                         const float* floats,
                                                                         const std::uint16_t* halves,
                                                                         const std::int8_t* factors,
                                                                         index_t at) {
  const index_t shared = factors != nullptr ? w.shared_parameter(at) : at;
  const __m512 numbers =
      halves != nullptr
          ? _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves + shared)))
          : _mm512_loadu_ps(floats + shared);
  if (factors == nullptr) return numbers;
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(factors + at));
  return _mm512_mul_ps(numbers, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
}

/// 16 scales of a group of a panel, and offsets of weights that have stored ones.
template <class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512 scales_at(const Weights& w, index_t at) {
  return parameters_at(w, w.scales, w.half_scales, w.scale_factors, at);
}
template <class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512 offsets_at(const Weights& w, index_t at) {
  return parameters_at(w, w.offsets, w.half_offsets, w.offset_factors, at);
}

/// Fetches the memory of what parameters_at() reads.
template <class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void fetch_parameters_at(const Weights& w,
                                                                             const float* floats,
                                                                             const std::uint16_t* halves,
                                                                             const std::int8_t* factors,
                                                                             index_t at) {
  const index_t shared = factors != nullptr ? w.shared_parameter(at) : at;
  if (halves != nullptr) {
    _mm_prefetch(halves + shared, _MM_HINT_T0);
  } else {
    _mm_prefetch(floats + shared, _MM_HINT_T0);
  }
  if (factors != nullptr) _mm_prefetch(factors + at, _MM_HINT_T0);
}

/// Fetches the parameters of the group `Groups` groups after the one at `at`.
template <index_t Groups = 8, class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void fetch_parameters(const Weights& w, index_t at) {
  constexpr index_t ahead = Groups * panel_rows;
  fetch_parameters_at(w, w.scales, w.half_scales, w.scale_factors, at + ahead);
  if (w.zero_points != nullptr) _mm_prefetch(w.zero_points + at + ahead, _MM_HINT_T0);
  if (w.has_stored_offsets()) fetch_parameters_at(w, w.offsets, w.half_offsets, w.offset_factors, at + ahead);
}

/// 16 zero points of a group of a panel.
template <class Weights>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i zero_points_at(const Weights& w, index_t at) {
  if (w.zero_points == nullptr) return _mm512_set1_epi32(w.center);
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w.zero_points + at)));
}

/// How many bytes of fields ahead of what is multiplied memory is fetched, and how many groups of parameters. Tiles of
/// many samples find them in the caches. A multiple of 4096 costs a twentieth of the speed: what is fetched would
/// go to where in the first-level cache the fields are read.
inline constexpr index_t fetched_ahead = 6144, fetched_ahead_of_tiles = 1024, fetched_groups = 32;

/// Sums in floats from and to the tile's y; what stands for a panel that is not there goes nowhere.
template <int Samples, class Tile>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void load_totals(__m512 (&total)[Samples],
                                                                     const Tile& tile, index_t p) {
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j)
    total[j] = p < tile.weights.panels ? _mm512_loadu_ps(tile.y + j * tile.y_stride + p * panel_rows)
                                       : _mm512_setzero_ps();
}
template <int Samples, class Tile>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void store_totals(const __m512 (&total)[Samples],
                                                                      const Tile& tile, index_t p) {
  if (p >= tile.weights.panels) return;
#pragma GCC unroll 12
  for (int j = 0; j < Samples; ++j) _mm512_storeu_ps(tile.y + j * tile.y_stride + p * panel_rows, total[j]);
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
