#pragma once

/// \file
/// See code_sums.hpp: with AVX-512 a block is a register.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/code_sums.hpp>

#include <bit>
#include <cstddef>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512 {

/// The registers of one block. Without weights all products are exact, so that it does not matter whether
/// they are fused; with weights they are kept apart.
struct code_sum_registers {
  __m512d inverse, low, high, linear, square;
};

[[BITGAUGE_AVX512, gnu::always_inline]] inline code_sum_registers load(const code_sum_block& b) {
  return {_mm512_load_pd(b.inverse), _mm512_load_pd(b.low), _mm512_load_pd(b.high), _mm512_setzero_pd(),
          _mm512_setzero_pd()};
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512d nearest_codes(const code_sum_registers& r,
                                                                     __m512d value) {
  const __m512d steps = _mm512_min_pd(_mm512_max_pd(_mm512_mul_pd(value, r.inverse), r.low), r.high);
  return _mm512_roundscale_pd(steps, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline void add(code_sum_registers& r, __m512d value) {
  const __m512d code = nearest_codes(r, value);
  r.linear = _mm512_fmadd_pd(value, code, r.linear);
  r.square = _mm512_fmadd_pd(code, code, r.square);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline void add(code_sum_registers& r, __m512d value,
                                                        __m512d weight) {
  const __m512d code = nearest_codes(r, value);
  __m512d linear = _mm512_mul_pd(_mm512_mul_pd(weight, value), code);
  __m512d square = _mm512_mul_pd(weight, _mm512_mul_pd(code, code));
  asm("" : "+v"(linear), "+v"(square));  // as numeric::uncontracted
  r.linear = _mm512_add_pd(r.linear, linear);
  r.square = _mm512_add_pd(r.square, square);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline void store(const code_sum_registers& r, code_sum_block& b) {
  _mm512_store_pd(b.linear, r.linear);
  _mm512_store_pd(b.square, r.square);
  const __mmask8 positive = _mm512_cmp_pd_mask(r.linear, _mm512_setzero_pd(), _CMP_GT_OQ);
  _mm512_store_pd(b.gain, _mm512_maskz_div_pd(positive, _mm512_mul_pd(r.linear, r.linear), r.square));
}

/// Three blocks side by side hide the latency of the sums.
[[BITGAUGE_AVX512]] inline void code_sums_of_three(const float* x, index_t count, code_sum_block* b) {
  code_sum_registers r0 = load(b[0]), r1 = load(b[1]), r2 = load(b[2]);
  for (index_t i = 0; i < count; ++i) {
    const __m512d value = _mm512_set1_pd(x[i]);
    add(r0, value);
    add(r1, value);
    add(r2, value);
  }
  store(r0, b[0]);
  store(r1, b[1]);
  store(r2, b[2]);
}

[[BITGAUGE_AVX512]] inline void code_sums_of_one(const float* x, index_t count, code_sum_block* b) {
  code_sum_registers r = load(*b);
  for (index_t i = 0; i < count; ++i) add(r, _mm512_set1_pd(x[i]));
  store(r, *b);
}

[[BITGAUGE_AVX512]] inline void code_sums_of_one(const float* x, const float* weights, index_t count,
                                                 code_sum_block* b) {
  code_sum_registers r = load(*b);
  for (index_t i = 0; i < count; ++i) add(r, _mm512_set1_pd(x[i]), _mm512_set1_pd(weights[i]));
  store(r, *b);
}

inline void code_sums(const float* x, const float* weights, index_t count, code_sum_block* blocks,
                      index_t block_count) {
  index_t i = 0;
  if (weights == nullptr)
    for (; i + 3 <= block_count; i += 3) code_sums_of_three(x, count, blocks + i);
  for (; i < block_count; ++i) {
    if (weights == nullptr) {
      code_sums_of_one(x, count, blocks + i);
    } else {
      code_sums_of_one(x, weights, count, blocks + i);
    }
  }
}

[[BITGAUGE_AVX512]] inline std::size_t best_gain(const code_sum_block* blocks, index_t block_count) {
  __m512d most = _mm512_load_pd(blocks[0].gain);
  for (index_t b = 1; b < block_count; ++b) most = _mm512_max_pd(most, _mm512_load_pd(blocks[b].gain));
  most = _mm512_set1_pd(_mm512_reduce_max_pd(most));
  index_t b = 0;
  unsigned equal = 0;
  while ((equal = _mm512_cmp_pd_mask(_mm512_load_pd(blocks[b].gain), most, _CMP_EQ_OQ)) == 0) ++b;
  return static_cast<std::size_t>(b) * code_sum_lanes + static_cast<std::size_t>(std::countr_zero(equal));
}

}  // namespace avx512

template <>
constexpr void improve<instruction_set::avx512>(code_sum_operations& operations) {
  operations.code_sums = avx512::code_sums;
  operations.best_gain = avx512::best_gain;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
