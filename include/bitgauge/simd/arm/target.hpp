#pragma once

/// \file
/// What code with intrinsics of aarch64 shares; see x86/target.hpp. Every aarch64 program has Advanced SIMD.

#if defined(__aarch64__)
#include <arm_neon.h>

/// Targets of functions: clang before version 16 takes names of features alone.
#if defined(__clang__) && __clang_major__ < 16
#define BITGAUGE_NEON_DOTPROD gnu::target("dotprod")
#define BITGAUGE_NEON_I8MM gnu::target("dotprod,i8mm")
#else
#define BITGAUGE_NEON_DOTPROD gnu::target("arch=armv8.2-a+dotprod")
#define BITGAUGE_NEON_I8MM gnu::target("arch=armv8.2-a+dotprod+i8mm")
#endif
#endif
