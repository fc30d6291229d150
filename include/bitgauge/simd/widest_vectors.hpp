#pragma once

/// \file
/// Runs one piece of plain code compiled for the widest vectors that the processor has.

#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/x86.hpp>

namespace bitgauge::simd {
namespace detail {

#if BITGAUGE_X86
template <class Body>
[[BITGAUGE_AVX2]] void run_for_avx2(const Body& body) {
  body();
}
template <class Body>
[[BITGAUGE_AVX512]] void run_for_avx512(const Body& body) {
  body();
}
#endif

}  // namespace detail

/// Calls body(), a function object whose call operator and all that it calls are always_inline, from a
/// function compiled for the instruction set in use. Loops of a constant number of steps become vectors at
/// -O2. The result must not depend on how it is compiled: no sum of inexact products.
template <class Body>
void on_widest_vectors(const Body& body) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512) return detail::run_for_avx512(body);
  if (selected() >= instruction_set::avx2) return detail::run_for_avx2(body);
#endif
  body();
}

}  // namespace bitgauge::simd
