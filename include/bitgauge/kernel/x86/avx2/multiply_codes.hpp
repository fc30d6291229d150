#pragma once

/// \file
/// Products of codes with AVX2.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2 {

inline constexpr unsigned samples_together = 4;

#define BITGAUGE_TIER BITGAUGE_AVX2
#include <bitgauge/kernel/x86/byte_products_body.hpp>
#include <bitgauge/kernel/x86/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

[[BITGAUGE_AVX2]] inline void multiply_codes(const integer_tile& tile) {
  if (tile.has_small_codes) return multiply_tile<true>(tile);
  multiply_tile<false>(tile);
}

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
