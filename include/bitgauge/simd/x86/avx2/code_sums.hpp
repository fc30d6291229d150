#pragma once

/// \file
/// See code_sums.hpp: with AVX2 a block is two registers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/code_sums.hpp>

#include <cstddef>

namespace bitgauge::simd {
namespace avx2 {

/// Half a block.
struct code_sum_registers {
  __m256d inverse, low, high, linear, square;
};

[[BITGAUGE_AVX2, gnu::always_inline]] inline code_sum_registers load(const code_sum_block& b, int lane) {
  return {_mm256_load_pd(b.inverse + lane), _mm256_load_pd(b.low + lane), _mm256_load_pd(b.high + lane),
          _mm256_setzero_pd(), _mm256_setzero_pd()};
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline void add(code_sum_registers& r, __m256d value, __m256d weight) {
  const __m256d steps = _mm256_min_pd(_mm256_max_pd(_mm256_mul_pd(value, r.inverse), r.low), r.high);
  const __m256d code = _mm256_round_pd(steps, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256d linear = _mm256_mul_pd(_mm256_mul_pd(weight, value), code);
  __m256d square = _mm256_mul_pd(weight, _mm256_mul_pd(code, code));
  asm("" : "+x"(linear), "+x"(square));  // as numeric::uncontracted
  r.linear = _mm256_add_pd(r.linear, linear);
  r.square = _mm256_add_pd(r.square, square);
}

[[BITGAUGE_AVX2, gnu::always_inline]] inline void store(const code_sum_registers& r, code_sum_block& b,
                                                        int lane) {
  _mm256_store_pd(b.linear + lane, r.linear);
  _mm256_store_pd(b.square + lane, r.square);
  const __m256d positive = _mm256_cmp_pd(r.linear, _mm256_setzero_pd(), _CMP_GT_OQ);
  const __m256d quotient = _mm256_div_pd(_mm256_mul_pd(r.linear, r.linear), r.square);
  _mm256_store_pd(b.gain + lane, _mm256_and_pd(positive, quotient));
}

[[BITGAUGE_AVX2]] inline void code_sums(const float* x, const float* weights, index_t count,
                                        code_sum_block* blocks, index_t block_count) {
  for (code_sum_block* b = blocks; b != blocks + block_count; ++b) {
    code_sum_registers near = load(*b, 0), far = load(*b, 4);
    for (index_t i = 0; i < count; ++i) {
      const __m256d value = _mm256_set1_pd(x[i]);
      const __m256d weight = _mm256_set1_pd(weights != nullptr ? static_cast<double>(weights[i]) : 1.0);
      add(near, value, weight);
      add(far, value, weight);
    }
    store(near, *b, 0);
    store(far, *b, 4);
  }
}

}  // namespace avx2

template <>
constexpr void improve<instruction_set::avx2>(code_sum_operations& operations) {
  operations.code_sums = avx2::code_sums;
}

}  // namespace bitgauge::simd
#endif  // BITGAUGE_X86
