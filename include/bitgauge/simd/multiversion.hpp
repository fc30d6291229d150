#pragma once

/// \file
/// Compiles one piece of portable code for every width of vectors, and runs it at that of the instruction set
/// in use.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <type_traits>

namespace bitgauge::simd {

// Wide vectors need every call of the body, down to constructors that the compiler writes itself, inlined
// into a function of the wide target; what stays a call is compiled for the unit's own vectors, which GCC
// cannot do where lanes.hpp names an instruction. Both compilers define this where they inline only what is
// marked: at -O0, and under -fno-inline.
#if BITGAUGE_X86 && !defined(__NO_INLINE__)
#define BITGAUGE_MULTIVERSION 1
#else
#define BITGAUGE_MULTIVERSION 0
#endif

namespace detail {

/// Which version of a piece of code an instruction set runs: the bytes of its vectors.
struct code_version {
  int width = 16;
};

}  // namespace detail

#if BITGAUGE_X86
template <>
constexpr void improve<instruction_set::avx2>(detail::code_version& version) {
  version.width = 32;
}
template <>
constexpr void improve<instruction_set::avx512>(detail::code_version& version) {
  version.width = 64;
}
#endif

namespace detail {

inline constexpr operation_table<code_version> code_versions;

#if BITGAUGE_MULTIVERSION
// Flattened: what the body calls is compiled for the same vectors. Never inlined: see out_of_line(). The
// barrier: GCC 12 takes some bodies that only store vectors for pure and drops the call.
template <class Body>
[[BITGAUGE_AVX2, gnu::flatten, gnu::noinline]] void run_for_avx2(const Body& body) {
  body(std::integral_constant<int, 32>{});
  asm volatile("" : : : "memory");
}

template <class Body>
[[BITGAUGE_AVX512_WIDE, gnu::flatten, gnu::noinline]] void run_for_avx512(const Body& body) {
  body(std::integral_constant<int, 64>{});
  asm volatile("" : : : "memory");
}
#endif

template <class Body>
[[gnu::noinline]] void run_for_any(const Body& body) {
  body(std::integral_constant<int, 16>{});
  asm volatile("" : : : "memory");
}

}  // namespace detail

/// Calls body(width), an always_inline function object, compiled for the instruction set in use (see
/// selected()); `width` is an integral_constant, the bytes of its vectors (see lanes.hpp). What the body
/// computes must not depend on how it is compiled: no product of plain floats may meet a sum unless it is
/// exact. Cost: one choice; make the body at least some hundred cycles long.
template <class Body>
void multiversion(const Body& body) {
#if BITGAUGE_MULTIVERSION
  const int width = detail::code_versions.in_use().width;
  if (width == 64) return detail::run_for_avx512(body);
  if (width == 32) return detail::run_for_avx2(body);
#endif
  body(std::integral_constant<int, 16>{});
}

/// Within a body of multiversion() compiled for vectors of `Bytes` bytes: calls body(width), an always_inline
/// function object, in a function of its own for the same vectors. What is called from several places is so
/// compiled once. Cost: a call; make the body at least some hundred cycles long.
template <int Bytes, class Body>
void out_of_line(const Body& body) {
#if BITGAUGE_MULTIVERSION
  if constexpr (Bytes == 64) return detail::run_for_avx512(body);
  if constexpr (Bytes == 32) return detail::run_for_avx2(body);
#endif
  if constexpr (Bytes == 16) detail::run_for_any(body);
}

}  // namespace bitgauge::simd
