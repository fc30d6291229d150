#pragma once

/// \file
/// Products of few samples with AVX-VNNI: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_packed_codes.hpp>
#include <bitgauge/kernel/x86/avx2_vnni/multiply_codes.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2_vnni {

template <int, bool>
struct packed_products {
  struct both {
    integers of[2];
  };
  [[BITGAUGE_AVX2_VNNI, gnu::always_inline]] static both weights_of(integers first, integers second) {
    return {{first, second}};
  }
  [[BITGAUGE_AVX2_VNNI, gnu::always_inline]] static both activations_at(const std::uint8_t* from,
                                                                        index_t stride) {
    return {{four_of(from), four_of(from + stride)}};
  }
  [[BITGAUGE_AVX2_VNNI, gnu::always_inline]] static void add(integers& sum, const both& weights,
                                                             const both& activations) {
    add_dot(sum, weights.of[0], activations.of[0]);
    add_dot(sum, weights.of[1], activations.of[1]);
  }
};

#define BITGAUGE_TIER BITGAUGE_AVX2_VNNI
#include <bitgauge/kernel/x86/multiply_packed_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::avx2_vnni
#endif  // BITGAUGE_X86
