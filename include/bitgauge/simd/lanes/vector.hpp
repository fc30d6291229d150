#pragma once

/// \file
/// Vectors of GCC's and clang's own: arithmetic, comparisons and ?: work on them lane by lane, on every
/// processor, and __builtin_convertvector() converts them. Vectors wider than the registers that a function is
/// compiled for are taken apart; multiversion.hpp compiles one for each width.

namespace bitgauge::simd {

namespace detail {

/// Apart, so that GCC looks at the attribute only when `Count` is known.
template <class T, int Count>
struct vector_type {
  using type [[gnu::vector_size(sizeof(T) * Count)]] = T;
};

}  // namespace detail

/// `Count` elements side by side, a power of two.
template <class T, int Count>
using vector = typename detail::vector_type<T, Count>::type;

}  // namespace bitgauge::simd
