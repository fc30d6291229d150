#pragma once

/// \file
/// Runs one piece of code compiled for AVX2 where the processor has it.

#include <bitgauge/simd/instruction_set.hpp>

namespace bitgauge::gguf::detail {

#if BITGAUGE_X86
template <class Body>
[[gnu::target("avx2,fma,f16c,bmi2")]] void run_for_avx2(const Body& body) {
  body();
}
#endif

/// Calls body(), an always_inline function object, from a function compiled for the processor's instruction
/// set. The result must not depend on how it is compiled: no sum of inexact products. Vectors of 16 bytes
/// gain nothing from AVX-512.
template <class Body>
void on_widest_vectors(const Body& body) {
#if BITGAUGE_X86
  if (simd::selected() >= simd::instruction_set::avx2) return run_for_avx2(body);
#endif
  body();
}

}  // namespace bitgauge::gguf::detail
