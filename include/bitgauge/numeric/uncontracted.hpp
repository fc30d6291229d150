#pragma once

/// \file
/// Keeps a product from being fused into a multiply-add.

#include <bitgauge/base/config.hpp>

namespace bitgauge::numeric {

/// Returns `value`, hiding from the optimiser that it came from a product, so that `uncontracted(a * b) + c`
/// rounds twice on every compiler and with every -march. GCC contracts by default and has no pragma against
/// it; this costs no instruction. Works on float, double and SIMD vectors. In a loop that the compiler shall
/// vectorise it must not be used on scalars: store the products to a small array first instead.
template <class T>
[[gnu::always_inline]] inline T uncontracted(T value) noexcept {
#if BITGAUGE_X86
#if defined(__AVX512F__)
  asm("" : "+v"(value));
#else
  asm("" : "+x"(value));
#endif
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  volatile T kept = value;
  value = kept;
#endif
  return value;
}

}  // namespace bitgauge::numeric
