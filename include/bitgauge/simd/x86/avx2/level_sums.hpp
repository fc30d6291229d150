#pragma once

/// \file
/// See level_sums.hpp: with AVX2 a block is two registers, and all midpoints are compared with.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/level_sums.hpp>
#include <bitgauge/simd/x86/avx2/code_sums.hpp>

#include <cstddef>

namespace bitgauge::simd {
namespace avx2 {

[[BITGAUGE_AVX2, gnu::always_inline]] inline void add_levels(code_sum_registers& r, const level_lanes& t,
                                                             __m256d value, __m256d weight) {
  const __m256d steps = _mm256_mul_pd(value, r.inverse);
  __m256d level = _mm256_set1_pd(t.levels[0]);
  for (std::size_t m = 0; m < 15; ++m)
    level = _mm256_blendv_pd(level, _mm256_set1_pd(t.levels[m + 1]),
                             _mm256_cmp_pd(_mm256_set1_pd(t.midpoints[m]), steps, _CMP_LT_OQ));
  __m256d linear = _mm256_mul_pd(_mm256_mul_pd(weight, value), level);
  __m256d square = _mm256_mul_pd(weight, _mm256_mul_pd(level, level));
  asm("" : "+x"(linear), "+x"(square));  // as numeric::uncontracted
  r.linear = _mm256_add_pd(r.linear, linear);
  r.square = _mm256_add_pd(r.square, square);
}

[[BITGAUGE_AVX2]] inline void level_sums(const float* x, const float* weights, index_t count,
                                         const level_lanes& table, code_sum_block* blocks,
                                         index_t block_count) {
  for (code_sum_block* b = blocks; b != blocks + block_count; ++b) {
    code_sum_registers near = load(*b, 0), far = load(*b, 4);
    for (index_t i = 0; i < count; ++i) {
      const __m256d value = _mm256_set1_pd(x[i]);
      const __m256d weight = _mm256_set1_pd(weights != nullptr ? static_cast<double>(weights[i]) : 1.0);
      add_levels(near, table, value, weight);
      add_levels(far, table, value, weight);
    }
    store(near, *b, 0);
    store(far, *b, 4);
  }
}

}  // namespace avx2

template <>
constexpr void improve<instruction_set::avx2>(level_sum_operations& operations) {
  operations.level_sums = avx2::level_sums;
}

}  // namespace bitgauge::simd
#endif  // BITGAUGE_X86
