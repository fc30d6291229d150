#pragma once

/// \file
/// Products of codes with SDOT.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>

namespace bitgauge::kernel::neon_dotprod {

using namespace neon;

/// sum += the products of four bytes of each lane of `a` and of lane `Lane` of `b`. With clang in words of the
/// assembler: before version 16 it hides the intrinsic from functions that name their target themselves.
template <int Lane>
[[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] inline void add_dot(int32x4_t& sum, int8x16_t a, int8x16_t b) {
#if defined(__clang__)
  asm("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sum) : "w"(a), "w"(b), "i"(Lane));
#else
  sum = vdotq_laneq_s32(sum, a, b, Lane);
#endif
}

template <unsigned Samples>
class products {
 public:
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] products() {
#pragma GCC unroll 4
    for (auto& sample : sums_)
#pragma GCC unroll 8
      for (auto& sum : sample) sum = vdupq_n_s32(0);
  }
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] void add(const std::int8_t* codes, const std::uint8_t* four,
                                                         const std::uint8_t* next) {
    add_four(load_rows(codes), four, turned());
    add_four(load_rows(codes + 64), next, turned());
  }
  template <class Turn>
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] void add_four(const row_codes& codes,
                                                              const std::uint8_t* four, Turn turn) {
    if constexpr (Samples == 4) {  // a vector holds those of four samples
      const int8x16_t x = turn(vld1q_u8(four));
      add_sample<0>(sums_[0], codes, x);
      add_sample<1>(sums_[1], codes, x);
      add_sample<2>(sums_[2], codes, x);
      add_sample<3>(sums_[3], codes, x);
    } else {
#pragma GCC unroll 4
      for (unsigned j = 0; j < Samples; ++j) add_sample<0>(sums_[j], codes, turn(four_of(four + 4 * j)));
    }
  }
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] int32x4_t of(unsigned sample, unsigned vector) const {
    return sums_[sample][vector];
  }

 private:
  template <int Lane>
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] static void add_sample(int32x4_t (&sums)[vectors_of_panel],
                                                                       const row_codes& codes, int8x16_t x) {
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q) add_dot<Lane>(sums[q], codes.of[q], x);
  }

  int32x4_t sums_[Samples][vectors_of_panel];
};

inline constexpr std::int32_t activations_less = 128;
inline constexpr unsigned samples_together = 4;

#define BITGAUGE_TIER BITGAUGE_NEON_DOTPROD
#include <bitgauge/kernel/arm/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon_dotprod
#endif  // defined(__aarch64__)
