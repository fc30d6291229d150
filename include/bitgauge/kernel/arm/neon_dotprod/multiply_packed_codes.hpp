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

#define BITGAUGE_TIER BITGAUGE_NEON_DOTPROD
#include <bitgauge/kernel/arm/multiply_packed_codes_body.hpp>
#undef BITGAUGE_TIER

}  // namespace bitgauge::kernel::neon_dotprod
#endif  // defined(__aarch64__)
