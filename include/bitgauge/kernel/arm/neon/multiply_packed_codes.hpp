#pragma once

/// \file
/// Products of few samples with Advanced SIMD: weights of 4 and 8 bits are read as they are packed.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/multiply_codes.hpp>
#include <bitgauge/kernel/arm/neon/unpack.hpp>
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>

namespace bitgauge::kernel::neon {

inline bool multiplies_packed(const weights_view& w) {
  return w.bits == 4 || (w.bits == 8 && !w.has_levels);
}

#define BITGAUGE_TIER maybe_unused
#include <bitgauge/kernel/arm/multiply_packed_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon
#endif  // defined(__aarch64__)
