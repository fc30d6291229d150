#pragma once

/// \file
/// The words that kernels with AVX2 are written in. The 16 rows of a panel are two vectors.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/layout.hpp>

#include <cstdint>
#include <cstring>

namespace bitgauge::kernel::avx2 {

using integers = __m256i;
using floats = __m256;

/// Lanes of a vector, and vectors of a panel.
inline constexpr index_t lanes = 8, vectors_of_panel = 2;

[[BITGAUGE_AVX2, gnu::always_inline]] inline integers load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats load_floats(const float* from) {
  return _mm256_loadu_ps(from);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store(void* to, integers v) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), v);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline void store(float* to, floats v) {
  _mm256_storeu_ps(to, v);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline integers all(int value) {
  return _mm256_set1_epi32(value);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats all(float value) {
  return _mm256_set1_ps(value);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers all_bytes(int value) {
  return _mm256_set1_epi8(static_cast<char>(value));
}
/// Four bytes, in every lane.
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers four_of(const void* from) {
  int four;
  std::memcpy(&four, from, sizeof four);
  return all(four);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline integers difference(integers a, integers b) {
  return _mm256_sub_epi32(a, b);
}
/// Sums and products of 32 bits, of 16 bits, of pairs of 16 bits in 32, and of pairs of an unsigned and a signed
/// byte in 16.
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers sum(integers a, integers b) {
  return _mm256_add_epi32(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers sum_16(integers a, integers b) {
  return _mm256_add_epi16(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers pair_products_16(integers a, integers b) {
  return _mm256_madd_epi16(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers pair_products_8(integers a, integers b) {
  return _mm256_maddubs_epi16(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers both_bits(integers a, integers b) {
  return _mm256_and_si256(a, b);
}
/// Shifts of 16 bits.
template <int Bits>
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers up_16(integers v) {
  return _mm256_slli_epi16(v, Bits);
}
template <int Bits>
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers down_16(integers v) {
  return _mm256_srli_epi16(v, Bits);
}
template <int Bits>
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers down_with_sign_16(integers v) {
  return _mm256_srai_epi16(v, Bits);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers product(integers a, integers b) {
  return _mm256_mullo_epi32(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers exclusive_or(integers a, integers b) {
  return _mm256_xor_si256(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats to_floats(integers v) {
  return _mm256_cvtepi32_ps(v);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats sum(floats a, floats b) {
  return _mm256_add_ps(a, b);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats product(floats a, floats b) {
  return _mm256_mul_ps(a, b);
}
/// a * b + c
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats product_plus(floats a, floats b, floats c) {
  return _mm256_fmadd_ps(a, b, c);
}
/// c - a * b
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats less_product(floats a, floats b, floats c) {
  return _mm256_fnmadd_ps(a, b, c);
}

/// 8 numbers of a group, as they are stored, times their factors where there are factors.
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats parameters_at(const weights_view& w, const float* numbers,
                                                                  const std::uint16_t* halves,
                                                                  const std::int8_t* factors, index_t at) {
  const index_t shared = factors != nullptr ? w.shared_parameter(at) : at;
  const floats values =
      halves != nullptr ? _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + shared)))
                        : _mm256_loadu_ps(numbers + shared);
  if (factors == nullptr) return values;
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(factors + at));
  return product(values, to_floats(_mm256_cvtepi8_epi32(bytes)));
}

/// The scales of 8 rows of a group, and offsets of weights that have stored ones.
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats scales_at(const weights_view& w, index_t at) {
  return parameters_at(w, w.scales, w.half_scales, w.scale_factors, at);
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats offsets_at(const weights_view& w, index_t at) {
  return parameters_at(w, w.offsets, w.half_offsets, w.offset_factors, at);
}

/// The zero points of 8 rows of a group.
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers zero_points_at(const weights_view& w, index_t at) {
  if (w.zero_points == nullptr) return all(w.center);
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(w.zero_points + at)));
}

/// 16 bytes, in both halves: a table for look_up().
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers table_of_16(const void* from) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(from)));
}
/// The bytes of `table` whose numbers are the low four bits of those of `fields`, whose other bits are 0.
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers look_up(integers fields, integers table) {
  return _mm256_shuffle_epi8(table, fields);
}

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
