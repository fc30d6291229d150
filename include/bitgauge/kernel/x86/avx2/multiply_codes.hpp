#pragma once

/// \file
/// Products of codes with AVX2, which has no exact sum of products of bytes: its own, vpmaddubsw, saturates at
/// 2^15.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2 {

/// Bytes as two vectors of 16 bits.
struct byte_halves {
  integers even, odd;
};
[[BITGAUGE_AVX2, gnu::always_inline]] inline byte_halves unsigned_halves(integers bytes) {
  return {_mm256_and_si256(bytes, all(0x00ff00ff)), _mm256_srli_epi16(bytes, 8)};
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline byte_halves signed_halves(integers bytes) {
  return {_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
}
[[BITGAUGE_AVX2, gnu::always_inline]] inline void add_dot(integers& sum, const byte_halves& a,
                                                          const byte_halves& b) {
  const integers even = _mm256_madd_epi16(a.even, b.even), odd = _mm256_madd_epi16(a.odd, b.odd);
  sum = _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}
/// The products of eight columns, of which no four have a sum above 2^15 - 1.
[[BITGAUGE_AVX2, gnu::always_inline]] inline void add_small_dot(integers& sum,
                                                                const integers (&unsigned_bytes)[2],
                                                                const integers (&signed_bytes)[2]) {
  const integers pairs = _mm256_add_epi16(_mm256_maddubs_epi16(unsigned_bytes[0], signed_bytes[0]),
                                          _mm256_maddubs_epi16(unsigned_bytes[1], signed_bytes[1]));
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/// Any codes: in 16 bits.
template <bool Small>
struct products {
  static constexpr int steps = 1;
  [[BITGAUGE_AVX2, gnu::always_inline]] static byte_halves weights_at(const std::int8_t* from) {
    return signed_halves(load(from));
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static byte_halves activations_at(const std::uint8_t* from, index_t) {
    return unsigned_halves(four_of(from));
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static void add(integers& sum, const byte_halves& activations,
                                                        const byte_halves& weights) {
    add_dot(sum, activations, weights);
  }
};

/// Small codes: 4 * 255 * 32 < 2^15.
template <>
struct products<true> {
  static constexpr int steps = 2;
  struct both {
    integers of[2];
  };
  [[BITGAUGE_AVX2, gnu::always_inline]] static both weights_at(const std::int8_t* from) {
    return {{load(from), load(from + 64)}};
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static both activations_at(const std::uint8_t* from, index_t stride) {
    return {{four_of(from), four_of(from + stride)}};
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static void add(integers& sum, const both& activations,
                                                        const both& weights) {
    add_small_dot(sum, activations.of, weights.of);
  }
};

inline constexpr unsigned samples_together = 4;

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/kernel/x86/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

[[BITGAUGE_AVX2]] inline void multiply_codes(const integer_tile& tile) {
  if (tile.has_small_codes) return multiply_tile<true>(tile);
  multiply_tile<false>(tile);
}

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
