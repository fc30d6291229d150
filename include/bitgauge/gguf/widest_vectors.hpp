#pragma once

/// \file
/// Runs one piece of code compiled for the widest vectors that the processor has.

#include <bitgauge/simd/instruction_set.hpp>

namespace bitgauge::gguf::detail {

#if BITGAUGE_X86
template <class Body>
[[gnu::target("avx2,fma,f16c,bmi2")]] void run_for_avx2(const Body& body) {
  body();
}
template <class Body>
[[gnu::target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")]] void
run_for_avx512(const Body& body) {
  body();
}
#endif

/// Calls body(), an always_inline function object, from a function compiled for simd::selected(). The result
/// must not depend on how it is compiled: no sum of inexact products.
template <class Body>
void on_widest_vectors(const Body& body) {
#if BITGAUGE_X86
  const simd::instruction_set set = simd::selected();
  if (set >= simd::instruction_set::avx512) return run_for_avx512(body);
  if (set == simd::instruction_set::avx2) return run_for_avx2(body);
#endif
  body();
}

}  // namespace bitgauge::gguf::detail
