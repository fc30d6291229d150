#pragma once

/// \file
/// Products of codes with Advanced SIMD: of bytes in 16 bits, two of which are added in 32.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>

namespace bitgauge::kernel::neon {

/// Two sums for each row.
template <unsigned Samples>
class products {
 public:
  [[gnu::always_inline]] products() {
#pragma GCC unroll 4
    for (auto& sample : sums_)
#pragma GCC unroll 8
      for (auto& sum : sample) sum = vdupq_n_s32(0);
  }
  [[gnu::always_inline]] void add(const std::int8_t* codes, const std::uint8_t* four,
                                  const std::uint8_t* next) {
    add_four(load_rows(codes), four, turned());
    load_later();
    add_four(load_rows(codes + 64), next, turned());
  }
  template <class Turn>
  [[gnu::always_inline]] void add_four(const row_codes& codes, const std::uint8_t* four, Turn turn) {
#pragma GCC unroll 4
    for (unsigned j = 0; j < Samples; ++j) {
      const int8x16_t x = turn(four_of(four + 4 * j));
#pragma GCC unroll 4
      for (unsigned q = 0; q < vectors_of_panel; ++q) {
        int32x4_t &low = sums_[j][2 * q], &high = sums_[j][2 * q + 1];
        low = vpadalq_s16(low, vmull_s8(vget_low_s8(codes.of[q]), vget_low_s8(x)));
        high = vpadalq_s16(high, vmull_high_s8(codes.of[q], x));
      }
    }
  }
  [[gnu::always_inline]] int32x4_t of(unsigned sample, unsigned vector) const {
    return vpaddq_s32(sums_[sample][2 * vector], sums_[sample][2 * vector + 1]);
  }

 private:
  int32x4_t sums_[Samples][2 * vectors_of_panel];
};

inline constexpr std::int32_t activations_less = 128;
inline constexpr unsigned samples_together = 2;

#define BITGAUGE_TIER maybe_unused
#include <bitgauge/kernel/arm/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon
#endif  // defined(__aarch64__)
