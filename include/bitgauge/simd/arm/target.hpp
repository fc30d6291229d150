#pragma once

/// \file
/// What code with intrinsics of aarch64 shares; see x86/target.hpp. Every aarch64 program has Advanced SIMD.

#if defined(__aarch64__)
#include <arm_neon.h>

/// Targets of functions: clang before version 16 takes the name of the feature alone.
#if defined(__clang__) && __clang_major__ < 16
#define BITGAUGE_NEON_DOTPROD gnu::target("dotprod")
#else
#define BITGAUGE_NEON_DOTPROD gnu::target("arch=armv8.2-a+dotprod")
#endif
#endif
