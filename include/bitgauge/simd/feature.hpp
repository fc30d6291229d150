#pragma once

/// \file
/// What processors have or lack, as far as code of this library is concerned.

#include <cstdint>

/// A bit for each feature; features that all processors have together share one.
namespace bitgauge::simd::feature {

inline constexpr std::uint32_t neon = 1u << 0;       ///< Advanced SIMD of aarch64
inline constexpr std::uint32_t dotprod = 1u << 1;    ///< SDOT, UDOT
inline constexpr std::uint32_t i8mm = 1u << 2;       ///< USDOT, SMMLA, USMMLA
inline constexpr std::uint32_t avx2 = 1u << 8;       ///< AVX2, FMA, F16C, BMI2
inline constexpr std::uint32_t avx512 = 1u << 9;     ///< AVX-512 F, BW, DQ, VL
inline constexpr std::uint32_t vnni = 1u << 10;      ///< AVX-512 VNNI
inline constexpr std::uint32_t vbmi = 1u << 11;      ///< AVX-512 VBMI
inline constexpr std::uint32_t amx = 1u << 12;       ///< AMX-TILE, AMX-INT8, AMX-BF16, AVX-512 BF16
inline constexpr std::uint32_t avx_vnni = 1u << 13;  ///< AVX-VNNI

}  // namespace bitgauge::simd::feature
