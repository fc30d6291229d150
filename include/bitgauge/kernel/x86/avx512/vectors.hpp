#pragma once

/// \file
/// The words that kernels with AVX-512 are written in. The 16 rows of a panel are a vector.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/layout.hpp>

#include <cstdint>
#include <cstring>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512 {

using integers = __m512i;
using floats = __m512;

/// Lanes of a vector, and vectors of a panel.
inline constexpr index_t lanes = 16, vectors_of_panel = 1;

[[BITGAUGE_AVX512, gnu::always_inline]] inline integers load(const void* from) {
  return _mm512_loadu_si512(from);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats load_floats(const float* from) {
  return _mm512_loadu_ps(from);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline void store(float* to, floats v) {
  _mm512_storeu_ps(to, v);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline integers all(int value) {
  return _mm512_set1_epi32(value);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats all(float value) {
  return _mm512_set1_ps(value);
}
/// Four bytes, in every lane.
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers four_of(const void* from) {
  int four;
  std::memcpy(&four, from, sizeof four);
  return all(four);
}

/// Sums and products of 32 bits, of 16 bits, of pairs of 16 bits in 32, and of pairs of an unsigned and a signed
/// byte in 16.
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers sum(integers a, integers b) {
  return _mm512_add_epi32(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers sum_16(integers a, integers b) {
  return _mm512_add_epi16(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers pair_products_16(integers a, integers b) {
  return _mm512_madd_epi16(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers pair_products_8(integers a, integers b) {
  return _mm512_maddubs_epi16(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers both_bits(integers a, integers b) {
  return _mm512_and_si512(a, b);
}
/// Shifts of 16 bits.
template <int Bits>
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers up_16(integers v) {
  return _mm512_slli_epi16(v, Bits);
}
template <int Bits>
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers down_16(integers v) {
  return _mm512_srli_epi16(v, Bits);
}
template <int Bits>
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers down_with_sign_16(integers v) {
  return _mm512_srai_epi16(v, Bits);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline integers product(integers a, integers b) {
  return _mm512_mullo_epi32(a, b);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats to_floats(integers v) {
  return _mm512_cvtepi32_ps(v);
}
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats product(floats a, floats b) {
  return _mm512_mul_ps(a, b);
}
/// a * b + c
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats product_plus(floats a, floats b, floats c) {
  return _mm512_fmadd_ps(a, b, c);
}
/// c - a * b
[[BITGAUGE_AVX512, gnu::always_inline]] inline floats less_product(floats a, floats b, floats c) {
  return _mm512_fnmadd_ps(a, b, c);
}

}  // namespace bitgauge::kernel::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
