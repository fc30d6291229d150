#pragma once

/// \file
/// The words that kernels with AVX-512 VNNI are written in.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/layout.hpp>

#include <cstdint>
#include <cstring>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i load(const void* from) {
  return _mm512_loadu_si512(from);
}

/// Four bytes, in every lane.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i four_of(const void* from) {
  int four;
  std::memcpy(&four, from, sizeof four);
  return _mm512_set1_epi32(four);
}

/// sum += the products of four unsigned and four signed bytes in each lane. With GCC in words of the assembler:
/// its version 12 copies the sum for its own intrinsic, which costs a third of the speed.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void add_dot(__m512i& sum, __m512i unsigned_bytes,
                                                                 __m512i signed_bytes) {
#if defined(__GNUC__) && !defined(__clang__)
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
#else
  sum = _mm512_dpbusd_epi32(sum, unsigned_bytes, signed_bytes);
#endif
}

/// 16 scales of a group of a panel.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512 scales_at(const weights_view& w, index_t at) {
  if (w.half_scales == nullptr) return _mm512_loadu_ps(w.scales + at);
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w.half_scales + at)));
}

/// 16 zero points of a group of a panel.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i zero_points_at(const weights_view& w,
                                                                           index_t at) {
  if (w.zero_points == nullptr) return _mm512_set1_epi32(w.center);
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w.zero_points + at)));
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
