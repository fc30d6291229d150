#pragma once

/// \file
/// The features of an aarch64 processor, as its operating system tells them.

#include <bitgauge/simd/feature.hpp>

#include <cstdint>

#if defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
#endif

namespace bitgauge::simd::arm {

inline std::uint32_t processor_features() {
  std::uint32_t found = feature::neon;
#if defined(__ARM_FEATURE_DOTPROD)
  found |= feature::dotprod;  // the program as a whole is built for it
#elif defined(__linux__)
  constexpr unsigned long asimd_dp = 1ul << 20;  // HWCAP_ASIMDDP of <asm/hwcap.h>
  if ((getauxval(AT_HWCAP) & asimd_dp) != 0) found |= feature::dotprod;
#endif
  return found;
}

}  // namespace bitgauge::simd::arm
#endif
