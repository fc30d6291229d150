#pragma once

/// \file
/// The sums from which the squared error of a group follows for many scales at once: a lane is a candidate,
/// so every candidate adds up the elements in their order and all versions give the same bits.
///
/// With q = clamp(rint(x / s), low, high) the error is E(s) = sum w x^2 - 2 s B + s^2 C, where
/// B = sum w x q and C = sum w q^2.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>

namespace bitgauge::simd {

/// Candidates of a block.
inline constexpr std::size_t code_sum_lanes = 8;

/// Eight candidates: 1 / s > 0 and the window of codes go in; B, C and what the best scale for these codes
/// takes off the error, B^2 / C (0 where B <= 0), come out.
struct code_sum_block {
  alignas(64) double inverse[code_sum_lanes];
  alignas(64) double low[code_sum_lanes];
  alignas(64) double high[code_sum_lanes];
  alignas(64) double linear[code_sum_lanes];
  alignas(64) double square[code_sum_lanes];
  alignas(64) double gain[code_sum_lanes];
};

namespace portable {

/// `weights` is null where all weigh 1. Sums are in double; x and w are finite.
inline void code_sums(const float* x, const float* weights, index_t count, code_sum_block* blocks,
                      index_t block_count) {
  constexpr double to_integer = 0x1.8p52;  // adding it leaves no fraction bits: rounds to even
  for (code_sum_block* b = blocks; b != blocks + block_count; ++b) {
    double linear[code_sum_lanes] = {}, square[code_sum_lanes] = {};
    for (index_t i = 0; i < count; ++i) {
      const double value = x[i], weight = weights != nullptr ? static_cast<double>(weights[i]) : 1.0,
                   moment = weight * value;
      for (std::size_t j = 0; j < code_sum_lanes; ++j) {
        const double steps = std::clamp(value * b->inverse[j], b->low[j], b->high[j]);
        const double code = numeric::uncontracted(steps + to_integer) - to_integer;
        linear[j] += numeric::uncontracted(moment * code);
        square[j] += numeric::uncontracted(weight * (code * code));
      }
    }
    for (std::size_t j = 0; j < code_sum_lanes; ++j) {
      b->linear[j] = linear[j];
      b->square[j] = square[j];
      b->gain[j] = linear[j] > 0 ? linear[j] * linear[j] / square[j] : 0;
    }
  }
}

/// The first of the candidates with the largest gain.
inline std::size_t best_gain(const code_sum_block* blocks, index_t block_count) {
  std::size_t best = 0;
  double most = blocks[0].gain[0];
  for (index_t b = 0; b < block_count; ++b) {
    for (std::size_t j = 0; j < code_sum_lanes; ++j) {
      if (!(blocks[b].gain[j] > most)) continue;
      most = blocks[b].gain[j];
      best = static_cast<std::size_t>(b) * code_sum_lanes + j;
    }
  }
  return best;
}

}  // namespace portable

#if BITGAUGE_X86
BITGAUGE_BEGIN_AVX512
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
BITGAUGE_END_AVX512

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
#endif

/// B and C of every candidate, with the instruction set in use.
inline void code_sums(const float* x, const float* weights, index_t count, code_sum_block* blocks,
                      index_t block_count) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512) return avx512::code_sums(x, weights, count, blocks, block_count);
  if (selected() == instruction_set::avx2) return avx2::code_sums(x, weights, count, blocks, block_count);
#endif
  portable::code_sums(x, weights, count, blocks, block_count);
}

/// The first of the candidates whose codes, at their own best scale, take most off the error.
inline std::size_t best_gain(const code_sum_block* blocks, index_t block_count) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512) return avx512::best_gain(blocks, block_count);
#endif
  return portable::best_gain(blocks, block_count);
}

}  // namespace bitgauge::simd
