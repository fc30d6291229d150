#pragma once

/// \file
/// Keeps a product from being fused into a multiply-add.

#include <bitgauge/base/config.hpp>

namespace bitgauge::numeric {

/// Lets the optimiser forget where `value` came from; costs no instruction. By reference, since GCC passes
/// no vector by value that is wider than the translation unit's.
template <class T>
[[gnu::always_inline]] inline void make_opaque(T& value) noexcept {
#if BITGAUGE_X86
#if defined(__AVX512F__) || !defined(__clang__)
  asm("" : "+v"(value));  // for GCC any register that there is, whatever the function is compiled for
#else
  asm("" : "+x"(value));
#endif
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  volatile T kept = value;
  value = kept;
#endif
}

/// Returns `value`, hiding from the optimiser that it came from a product, so that `uncontracted(a * b) + c`
/// rounds twice on every compiler and with every -march. GCC contracts by default and has no pragma against
/// it; this costs no instruction. Works on float, double and SIMD vectors. In a loop that the compiler shall
/// vectorise it must not be used on scalars: store the products to a small array first instead.
template <class T>
[[gnu::always_inline]] inline T uncontracted(T value) noexcept {
  make_opaque(value);
  return value;
}

}  // namespace bitgauge::numeric
