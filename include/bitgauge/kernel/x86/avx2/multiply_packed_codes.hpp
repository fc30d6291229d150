#pragma once

/// \file
/// Products of few samples with AVX2: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_codes.hpp>
#include <bitgauge/kernel/x86/avx2/unpack.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2 {

inline bool multiplies_packed(const weights_view& w) {
  return w.bits == 4 || (w.bits == 8 && !w.has_levels);
}

/// How far ahead of what is multiplied memory is fetched.
inline constexpr index_t fetched_ahead = 1024;

/// Any bytes: in 16 bits.
template <int Bits, bool Levels>
struct packed_products {
  struct both {
    byte_halves of[2];
  };
  [[BITGAUGE_AVX2, gnu::always_inline]] static both weights_of(integers first, integers second) {
    return {{unsigned_halves(first), unsigned_halves(second)}};
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static both activations_at(const std::uint8_t* from, index_t stride) {
    return {{signed_halves(four_of(from)), signed_halves(four_of(from + stride))}};
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static void add(integers& sum, const both& weights,
                                                        const both& activations) {
    add_dot(sum, weights.of[0], activations.of[0]);
    add_dot(sum, weights.of[1], activations.of[1]);
  }
};

/// Fields of four bits: 4 * 15 * 128 < 2^15.
template <>
struct packed_products<4, false> {
  struct both {
    integers of[2];
  };
  [[BITGAUGE_AVX2, gnu::always_inline]] static both weights_of(integers first, integers second) {
    return {{first, second}};
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static both activations_at(const std::uint8_t* from, index_t stride) {
    return {{four_of(from), four_of(from + stride)}};
  }
  [[BITGAUGE_AVX2, gnu::always_inline]] static void add(integers& sum, const both& weights,
                                                        const both& activations) {
    add_small_dot(sum, weights.of, activations.of);
  }
};

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/kernel/x86/multiply_packed_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
