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

[[BITGAUGE_AVX512]] inline void zero_points(const float* low, const float* scale, index_t runs, int lowest,
                                            int highest, bool steady, std::int32_t* zero_point) {
  const __m512 zero = _mm512_setzero_ps(), most = _mm512_set1_ps(-512);
  const __m512 half = _mm512_set1_ps(0.5f), close = _mm512_set1_ps(2 * FLT_EPSILON);
  const __m512i least_code = _mm512_set1_epi32(lowest), greatest_code = _mm512_set1_epi32(highest);
  for (index_t i = 0; i < runs; i += 16) {
    const __mmask16 mask = detail::lanes(runs - i);
    const __m512 s = _mm512_maskz_loadu_ps(mask, scale + i);
    const __m512 ratio = _mm512_div_ps(_mm512_maskz_loadu_ps(mask, low + i), s);
    const __m512 steps = _mm512_min_ps(_mm512_max_ps(ratio, most), zero);
    const __m512 halves = _mm512_add_ps(steps, steps), odd = _mm512_cvtepi32_ps(_mm512_cvtps_epi32(halves));
    const __mmask16 is_tie = _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_sub_ps(halves, odd)),
                                                _mm512_mul_ps(_mm512_abs_ps(halves), close), _CMP_LE_OQ);
    const __m512 steady_steps = _mm512_mask_mul_ps(steps, steady ? is_tie : __mmask16{0}, odd, half);
    const __m512i code = _mm512_maskz_sub_epi32(_mm512_cmp_ps_mask(s, zero, _CMP_GT_OQ), least_code,
                                                _mm512_cvtps_epi32(steady_steps));
    _mm512_mask_storeu_epi32(zero_point + i, mask,
                             _mm512_min_epi32(_mm512_max_epi32(code, least_code), greatest_code));
  }
}

}  // namespace bitgauge::simd::avx512
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
