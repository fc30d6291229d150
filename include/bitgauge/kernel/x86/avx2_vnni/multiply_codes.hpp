#pragma once

/// \file
/// Products of codes with AVX-VNNI.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2_vnni {

using namespace avx2;

/// sum += the products of four unsigned and four signed bytes in each lane. With GCC in words of the assembler:
/// its version 12 copies the sum for its own intrinsic.
[[BITGAUGE_AVX2_VNNI, gnu::always_inline]] inline void add_dot(integers& sum, integers unsigned_bytes,
                                                               integers signed_bytes) {
#if defined(__GNUC__) && !defined(__clang__)
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(unsigned_bytes), "x"(signed_bytes));
#else
  sum = _mm256_dpbusd_avx_epi32(sum, unsigned_bytes, signed_bytes);
#endif
}

template <bool>
struct products {
  static constexpr int steps = 1;
  [[BITGAUGE_AVX2_VNNI, gnu::always_inline]] static integers weights_at(const std::int8_t* from) {
    return load(from);
  }
  [[BITGAUGE_AVX2_VNNI, gnu::always_inline]] static integers activations_at(const std::uint8_t* from,
                                                                            index_t) {
    return four_of(from);
  }
  [[BITGAUGE_AVX2_VNNI, gnu::always_inline]] static void add(integers& sum, integers activations,
                                                             integers weights) {
    add_dot(sum, activations, weights);
  }
};

inline constexpr unsigned samples_together = 6;

#define BITGAUGE_TIER BITGAUGE_AVX2_VNNI
#include <bitgauge/kernel/x86/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

[[BITGAUGE_AVX2_VNNI]] inline void multiply_codes(const integer_tile& tile) {
  multiply_tile<false>(tile);
}

}  // namespace bitgauge::kernel::avx2_vnni
#endif  // BITGAUGE_X86
