#pragma once

/// \file
/// Products of few samples with SDOT: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/unpack.hpp>
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/arm/neon_dotprod/multiply_codes.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>

namespace bitgauge::kernel::neon_dotprod {

template <unsigned Samples, int Bits, bool Levels>
class packed_products : public products<Samples> {
 public:
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] packed_products() {}  // one made for it would lack the target
  static constexpr std::int32_t fields_less = signed_codes_less<Bits, Levels>;
  [[BITGAUGE_NEON_DOTPROD, gnu::always_inline]] void add(const unit_vectors& unit, const std::uint8_t* table,
                                                         const std::uint8_t* four, const std::uint8_t* next) {
    row_codes codes[2];
#pragma GCC unroll 8
    for (unsigned k = 0; k < 8; ++k) codes[k / 4].of[k % 4] = signed_codes<Bits, Levels>(unit.part[k], table);
    this->add_four(codes[0], four, as_they_are());
    this->add_four(codes[1], next, as_they_are());
  }
};

#define BITGAUGE_TIER BITGAUGE_NEON_DOTPROD
#include <bitgauge/kernel/arm/multiply_packed_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon_dotprod
#endif  // defined(__aarch64__)
