#pragma once

/// \file
/// Products of codes with AVX-512 without VNNI.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx512/vectors.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512 {

inline constexpr unsigned samples_together = 6;

#define BITGAUGE_TIER BITGAUGE_AVX512
#include <bitgauge/kernel/x86/byte_products_body.hpp>
#include <bitgauge/kernel/x86/multiply_codes_body.hpp>
#undef BITGAUGE_TIER

[[BITGAUGE_AVX512]] inline void multiply_codes(const integer_tile& tile) {
  if (tile.has_small_codes) return multiply_tile<true>(tile);
  multiply_tile<false>(tile);
}

}  // namespace bitgauge::kernel::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
