#pragma once

/// \file
/// The features of an aarch64 processor, as its operating system tells them.

#include <bitgauge/simd/feature.hpp>

#include <cstdint>

#if defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <cstddef>
#include <sys/sysctl.h>
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
#if defined(__ARM_FEATURE_MATMUL_INT8)
  found |= feature::i8mm;
#elif defined(__linux__)
  constexpr unsigned long i8mm = 1ul << 13;  // HWCAP2_I8MM
  if ((getauxval(AT_HWCAP2) & i8mm) != 0) found |= feature::i8mm;
#elif defined(__APPLE__)
  int has_i8mm = 0;
  std::size_t size = sizeof has_i8mm;
  if (sysctlbyname("hw.optional.arm.FEAT_I8MM", &has_i8mm, &size, nullptr, 0) == 0 && has_i8mm != 0)
    found |= feature::i8mm;
#endif
  return found;
}

}  // namespace bitgauge::simd::arm
#endif
