#pragma once

/// \file
/// The parameters of runs from their extents with AVX-512.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/row.hpp>
#include <bitgauge/simd/x86/avx512/vectors.hpp>

#include <cfloat>
#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd::avx512 {

[[BITGAUGE_AVX512]] inline float scales(const float* low, const float* high, index_t runs, bool symmetric,
                                        float steps, float smallest, float* scale) {
  const __m512 zero = _mm512_setzero_ps(), divisor = _mm512_set1_ps(steps), least = _mm512_set1_ps(smallest);
  const __m512 smallest_normal = _mm512_set1_ps(FLT_MIN), greatest = _mm512_set1_ps(FLT_MAX);
  __m512 largest = zero;
  for (index_t i = 0; i < runs; i += 16) {
    const __mmask16 mask = detail::lanes(runs - i);
    const __m512 from = _mm512_maskz_loadu_ps(mask, low + i), to = _mm512_maskz_loadu_ps(mask, high + i);
    const __m512 length = _mm512_sub_ps(to, from);
    __m512 s = _mm512_div_ps(symmetric ? _mm512_max_ps(_mm512_sub_ps(zero, from), to) : length, divisor);
    const __mmask16 overflow = _mm512_cmp_ps_mask(length, greatest, _CMP_NLE_UQ);
    if (!symmetric && overflow != 0)
      s = _mm512_mask_sub_ps(s, overflow, _mm512_div_ps(to, divisor), _mm512_div_ps(from, divisor));
    s = _mm512_max_ps(s, least);
    s = _mm512_mask_max_ps(s, _mm512_cmp_ps_mask(s, zero, _CMP_GT_OQ), s, smallest_normal);
    _mm512_mask_storeu_ps(scale + i, mask, s);
    largest = _mm512_mask_max_ps(largest, mask, largest, s);
  }
  return _mm512_reduce_max_ps(largest);
}

[[BITGAUGE_AVX512]] inline void inverses(const float* scale, index_t runs, float* inverse) {
  for (index_t i = 0; i < runs; i += 16) {
    const __mmask16 mask = detail::lanes(runs - i);
    const __m512 s = _mm512_maskz_loadu_ps(mask, scale + i);
    const __mmask16 other = _mm512_cmp_ps_mask(s, _mm512_setzero_ps(), _CMP_NEQ_OQ);
    _mm512_mask_storeu_ps(inverse + i, mask, _mm512_maskz_div_ps(other, _mm512_set1_ps(1), s));
  }
}

}  // namespace bitgauge::simd::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
