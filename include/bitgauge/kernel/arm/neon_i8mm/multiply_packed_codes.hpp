#pragma once

/// \file
/// Products of few samples with USDOT, SMMLA and USMMLA: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/unpack.hpp>
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/arm/neon_i8mm/multiply_codes.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>
#include <type_traits>

namespace bitgauge::kernel::neon_i8mm {

/// Codes of weights: fields are unsigned, those of levels signed.
template <bool Signed>
struct weight_words {
  /// sum += the products of four bytes of each lane.
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] static void add_dot(int32x4_t& sum, uint8x16_t weights,
                                                                 int8x16_t x) {
#if defined(__clang__)
    if constexpr (Signed)
      asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(weights), "w"(x));
    else
      asm("usdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(weights), "w"(x));
#else
    sum = Signed ? vdotq_s32(sum, vreinterpretq_s8_u8(weights), x) : vusdotq_s32(sum, weights, x);
#endif
  }
  /// sum[2 * r + j] += the eight products of row r and sample j.
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] static void add_matrix(int32x4_t& sum, uint8x16_t weights,
                                                                    int8x16_t x) {
#if defined(__clang__)
    if constexpr (Signed)
      asm("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(weights), "w"(x));
    else
      asm("usmmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(weights), "w"(x));
#else
    sum = Signed ? vmmlaq_s32(sum, vreinterpretq_s8_u8(weights), x) : vusmmlaq_s32(sum, weights, x);
#endif
  }
};

template <int Bits, bool Levels>
[[gnu::always_inline]] inline int8x16_t codes_of(uint8x16_t fields, const std::uint8_t* table) {
  return as_they_are()(Levels ? look_up<Bits>(table, fields) : fields);
}

/// Few samples: sums of a sample by four rows.
template <unsigned Samples, int Bits, bool Levels>
class packed_dots {
 public:
  static constexpr std::int32_t fields_less = 0;
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] packed_dots() {
#pragma GCC unroll 3
    for (auto& sample : sums_)
#pragma GCC unroll 4
      for (auto& sum : sample) sum = vdupq_n_s32(0);
  }
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] void add(const unit_vectors& unit, const std::uint8_t* table,
                                                      const std::uint8_t* four, const std::uint8_t* next) {
#pragma GCC unroll 3
    for (unsigned j = 0; j < Samples; ++j) {
      const int8x16_t x[2] = {as_they_are()(four_of(four + 4 * j)), as_they_are()(four_of(next + 4 * j))};
#pragma GCC unroll 8
      for (unsigned k = 0; k < 8; ++k)
        weight_words<Levels>::add_dot(
            sums_[j][k % 4], vreinterpretq_u8_s8(codes_of<Bits, Levels>(unit.part[k], table)), x[k / 4]);
    }
  }
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] int32x4_t of(unsigned sample, unsigned vector) const {
    return sums_[sample][vector];
  }

 private:
  int32x4_t sums_[Samples][vectors_of_panel];
};

/// More samples: sums of two rows by two samples; of an odd number of samples the last counts as two.
template <unsigned Samples, int Bits, bool Levels>
class packed_matrices {
 public:
  static constexpr std::int32_t fields_less = 0;
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] packed_matrices() {
#pragma GCC unroll 3
    for (auto& pair : sums_)
#pragma GCC unroll 8
      for (auto& sum : pair) sum = vdupq_n_s32(0);
  }
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] void add(const unit_vectors& unit, const std::uint8_t* table,
                                                      const std::uint8_t* four, const std::uint8_t* next) {
    int8x16_t x[pairs];
#pragma GCC unroll 3
    for (unsigned p = 0; p < Samples / 2; ++p)
      x[p] = as_they_are()(two_samples<false>(four + 8 * p, next + 8 * p));
    if constexpr (Samples % 2 == 1)
      x[pairs - 1] = as_they_are()(two_samples<true>(four + 4 * (Samples - 1), next + 4 * (Samples - 1)));
#pragma GCC unroll 4
    for (unsigned q = 0; q < vectors_of_panel; ++q) {
      const eight_columns rows = by_row(codes_of<Bits, Levels>(unit.part[q], table),
                                        codes_of<Bits, Levels>(unit.part[q + 4], table));
#pragma GCC unroll 3
      for (unsigned p = 0; p < pairs; ++p) {
        weight_words<Levels>::add_matrix(sums_[p][2 * q], vreinterpretq_u8_s8(rows.rows01), x[p]);
        weight_words<Levels>::add_matrix(sums_[p][2 * q + 1], vreinterpretq_u8_s8(rows.rows23), x[p]);
      }
    }
  }
  [[BITGAUGE_NEON_I8MM, gnu::always_inline]] int32x4_t of(unsigned sample, unsigned vector) const {
    const int32x4_t rows01 = sums_[sample / 2][2 * vector], rows23 = sums_[sample / 2][2 * vector + 1];
    return sample % 2 == 0 ? vuzp1q_s32(rows01, rows23) : vuzp2q_s32(rows01, rows23);
  }

 private:
  static constexpr unsigned pairs = (Samples + 1) / 2;
  int32x4_t sums_[pairs][8];
};

/// A matrix takes as many instructions as two samples apart, besides those that bring rows together.
template <unsigned Samples, int Bits, bool Levels>
using packed_products = std::conditional_t<(Samples < 4), packed_dots<Samples, Bits, Levels>,
                                           packed_matrices<Samples, Bits, Levels>>;

#define BITGAUGE_TIER BITGAUGE_NEON_I8MM
#include <bitgauge/kernel/arm/multiply_packed_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon_i8mm
#endif  // defined(__aarch64__)
