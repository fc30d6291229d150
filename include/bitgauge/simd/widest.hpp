#pragma once

/// \file
/// Runs one piece of portable code compiled for the widest vectors that the processor has.

#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <type_traits>

namespace bitgauge::simd {

// Wide vectors need every call of the body, down to constructors that the compiler writes itself, inlined
// into a function of the wide target; what stays a call is compiled for the unit's own vectors, which GCC
// cannot do where lanes.hpp names an instruction. Both compilers define this where they inline only what is
// marked: at -O0, and under -fno-inline.
#if BITGAUGE_X86 && !defined(__NO_INLINE__)
#define BITGAUGE_WIDEST 1
#else
#define BITGAUGE_WIDEST 0
#endif

#if BITGAUGE_WIDEST
namespace detail {

// Flattened: what the body calls is compiled for the same vectors. The barrier: GCC 12 takes some bodies that
// only store vectors for pure and drops the call.
template <class Body>
[[BITGAUGE_AVX2, gnu::flatten]] void run_for_avx2(const Body& body) {
  body(std::integral_constant<int, 32>{});
  asm volatile("" : : : "memory");
}

template <class Body>
[[BITGAUGE_AVX512_WIDE, gnu::flatten]] void run_for_avx512(const Body& body) {
  body(std::integral_constant<int, 64>{});
  asm volatile("" : : : "memory");
}

}  // namespace detail
#endif

/// Calls body(width), an always_inline function object, compiled for the instruction set in use (see
/// selected()); `width` is an integral_constant, the bytes of its vectors (see lanes.hpp). What the body
/// computes must not depend on how it is compiled: no product of plain floats may meet a sum unless it is
/// exact. Cost: one choice; make the body at least some hundred cycles long.
template <class Body>
void on_widest(const Body& body) {
#if BITGAUGE_WIDEST
  const instruction_set set = selected();
  if (set >= instruction_set::avx512) return detail::run_for_avx512(body);
  if (set == instruction_set::avx2) return detail::run_for_avx2(body);
#endif
  body(std::integral_constant<int, 16>{});
}

}  // namespace bitgauge::simd
