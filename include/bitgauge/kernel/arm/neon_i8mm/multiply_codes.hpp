#pragma once

/// \file
/// Products of codes with USMMLA: two rows by two samples, eight columns at once.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/unpack.hpp>
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/simd/portable/bits.hpp>

#include <cstdint>
#include <cstring>

namespace bitgauge::kernel::neon_i8mm {

using namespace neon;

/// Unpacks as multiply_codes wants it: two rows of eight columns in a vector.
inline void unpack_codes(const weights_view& w, index_t panel, const segment* segments, index_t count,
                         const unpacked_codes& out) {
  simd::detail::with_bits(w.bits,
                          [&]<int Bits>() { unpack_codes_of<Bits, true>(w, panel, segments, count, out); });
}

/// sum[2 * i + k] += the eight products of half `i` of `a` and half `k` of `b`. With clang in words of the assembler, see
/// neon_dotprod/multiply_codes.hpp.
[[BITGAUGE_NEON_I8MM, gnu::always_inline]] inline void add_products(int32x4_t& sum, uint8x16_t a,
                                                                    int8x16_t b) {
#if defined(__clang__)
  asm("usmmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(b));
#else
  sum = vusmmlaq_s32(sum, a, b);
#endif
}

/// Eight activations of two samples, of which four lie at `four` and four at `next`, sample after sample. `One`: of one
/// sample twice.
template <bool One>
[[gnu::always_inline]] inline uint8x16_t two_samples(const std::uint8_t* four, const std::uint8_t* next) {
  if constexpr (One) {
    return vreinterpretq_u8_u32(
        vzip1q_u32(vreinterpretq_u32_u8(four_of(four)), vreinterpretq_u32_u8(four_of(next))));
  } else {
    const uint8x8_t zero = vdup_n_u8(0);
    const uint8x16_t first = vcombine_u8(vld1_u8(four), zero), last = vcombine_u8(vld1_u8(next), zero);
    return vreinterpretq_u8_u32(vzip1q_u32(vreinterpretq_u32_u8(first), vreinterpretq_u32_u8(last)));
  }
}

/// Sums of two samples by two rows; of an odd number of samples the last counts as two.
template <unsigned Samples>
class products {
 public:
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] products() {
#pragma GCC unroll 3
    for (auto& pair : sums_)
#pragma GCC unroll 8
      for (auto& sum : pair) sum = vdupq_n_s32(0);
  }
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] void add(const std::int8_t* codes, const std::uint8_t* four,
                                                      const std::uint8_t* next) {
    uint8x16_t x[pairs];
#pragma GCC unroll 3
    for (unsigned p = 0; p < Samples / 2; ++p) x[p] = two_samples<false>(four + 8 * p, next + 8 * p);
    if constexpr (Samples % 2 == 1)
      x[pairs - 1] = two_samples<true>(four + 4 * (Samples - 1), next + 4 * (Samples - 1));
#pragma GCC unroll 8
    for (unsigned v = 0; v < 8; ++v) {
      if (v == 4) load_later();
      const int8x16_t rows = vld1q_s8(codes + 16 * v);
#pragma GCC unroll 3
      for (unsigned p = 0; p < pairs; ++p) add_products(sums_[p][v], x[p], rows);
    }
  }
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] int32x4_t of(unsigned sample, unsigned vector) const {
    const int64x2_t rows01 = vreinterpretq_s64_s32(sums_[sample / 2][2 * vector]),
                    rows23 = vreinterpretq_s64_s32(sums_[sample / 2][2 * vector + 1]);
    return vreinterpretq_s32_s64(sample % 2 == 0 ? vzip1q_s64(rows01, rows23) : vzip2q_s64(rows01, rows23));
  }

 private:
  static constexpr unsigned pairs = (Samples + 1) / 2;
  int32x4_t sums_[pairs][8];
};

inline constexpr std::int32_t activations_less = 0;
inline constexpr unsigned samples_together = 6;

#define BITGAUGE_TIER BITGAUGE_NEON_I8MM
#include <bitgauge/kernel/arm/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon_i8mm
#endif  // defined(__aarch64__)
