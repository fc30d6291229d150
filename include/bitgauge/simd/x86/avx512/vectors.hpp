#pragma once

/// \file
/// What code with AVX-512 says in a word.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
namespace bitgauge::simd::avx512::detail {

/// The lanes that hold one of the next `left` elements.
[[BITGAUGE_AVX512, gnu::always_inline]] inline __mmask16 lanes(index_t left) {
  return left >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << left) - 1u);
}

}  // namespace bitgauge::simd::avx512::detail
#endif  // BITGAUGE_X86
