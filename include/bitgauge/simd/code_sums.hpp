#pragma once

/// \file
/// The sums from which the squared error of a group follows for many scales at once: a lane is a candidate,
/// so every candidate adds up the elements in their order and all versions give the same bits.
///
/// With q = clamp(rint(x / s), low, high) the error is E(s) = sum w x^2 - 2 s B + s^2 C, where
/// B = sum w x q and C = sum w q^2.

#include <bitgauge/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <algorithm>
#include <cstddef>

#if BITGAUGE_X86
#include <immintrin.h>
#endif

namespace bitgauge::simd {

/// Candidates are padded to a multiple of this.
inline constexpr std::size_t code_sum_lanes = 8;

/// Eight candidates: 1 / s and the window of codes go in, B and C come out.
struct code_sum_block {
  alignas(64) double inverse[code_sum_lanes];
  alignas(64) double low[code_sum_lanes];
  alignas(64) double high[code_sum_lanes];
  alignas(64) double linear[code_sum_lanes];
  alignas(64) double square[code_sum_lanes];
};

namespace portable {

/// `weights` is null where all weigh 1. Sums are in double; x and w are finite.
inline void code_sums(const float* x, const float* weights, index count, code_sum_block* blocks,
                      index block_count) {
  constexpr double to_integer = 0x1.8p52;  // adding it leaves no fraction bits: rounds to even
  for (code_sum_block* b = blocks; b != blocks + block_count; ++b) {
    double linear[code_sum_lanes] = {}, square[code_sum_lanes] = {};
    for (index i = 0; i < count; ++i) {
      const double value = x[i], weight = weights != nullptr ? weights[i] : 1.0, moment = weight * value;
      for (std::size_t j = 0; j < code_sum_lanes; ++j) {
        const double steps = std::clamp(value * b->inverse[j], b->low[j], b->high[j]);
        const double code = numeric::uncontracted(steps + to_integer) - to_integer;
        linear[j] += numeric::uncontracted(moment * code);
        square[j] += numeric::uncontracted(weight * (code * code));
      }
    }
    std::copy_n(linear, code_sum_lanes, b->linear);
    std::copy_n(square, code_sum_lanes, b->square);
  }
}

}  // namespace portable

#if BITGAUGE_X86
namespace avx512 {

/// numeric::uncontracted for a register that only this instruction set has.
[[gnu::target("avx512f"), gnu::always_inline]] inline __m512d uncontracted(__m512d value) {
  asm("" : "+v"(value));
  return value;
}

/// Up to `Blocks` blocks side by side, which hides the latency of the sums. Without weights all products are
/// exact, so that it does not matter whether they are fused.
template <int Blocks, bool Weighted>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]] inline void code_sums_of(
    const float* x, const float* weights, index count, code_sum_block* b) {
  __m512d inverse[Blocks], low[Blocks], high[Blocks], linear[Blocks], square[Blocks];
  for (int j = 0; j < Blocks; ++j) {
    inverse[j] = _mm512_load_pd(b[j].inverse);
    low[j] = _mm512_load_pd(b[j].low);
    high[j] = _mm512_load_pd(b[j].high);
    linear[j] = square[j] = _mm512_setzero_pd();
  }
  for (index i = 0; i < count; ++i) {
    const __m512d value = _mm512_set1_pd(x[i]);
    const __m512d weight = _mm512_set1_pd(Weighted ? weights[i] : 1.0);
    const __m512d moment = Weighted ? _mm512_mul_pd(weight, value) : value;
    for (int j = 0; j < Blocks; ++j) {
      const __m512d steps = _mm512_min_pd(_mm512_max_pd(_mm512_mul_pd(value, inverse[j]), low[j]), high[j]);
      const __m512d code = _mm512_roundscale_pd(steps, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      if constexpr (Weighted) {
        linear[j] = _mm512_add_pd(linear[j], uncontracted(_mm512_mul_pd(moment, code)));
        const __m512d squared = _mm512_mul_pd(weight, _mm512_mul_pd(code, code));
        square[j] = _mm512_add_pd(square[j], uncontracted(squared));
      } else {
        linear[j] = _mm512_fmadd_pd(moment, code, linear[j]);
        square[j] = _mm512_fmadd_pd(code, code, square[j]);
      }
    }
  }
  for (int j = 0; j < Blocks; ++j) {
    _mm512_store_pd(b[j].linear, linear[j]);
    _mm512_store_pd(b[j].square, square[j]);
  }
}

template <bool Weighted>
inline void code_sums_of(const float* x, const float* weights, index count, code_sum_block* blocks,
                         index block_count) {
  for (; block_count >= 4; block_count -= 4, blocks += 4)
    code_sums_of<4, Weighted>(x, weights, count, blocks);
  if (block_count == 3) code_sums_of<3, Weighted>(x, weights, count, blocks);
  if (block_count == 2) code_sums_of<2, Weighted>(x, weights, count, blocks);
  if (block_count == 1) code_sums_of<1, Weighted>(x, weights, count, blocks);
}

inline void code_sums(const float* x, const float* weights, index count, code_sum_block* blocks,
                      index block_count) {
  if (weights != nullptr) {
    code_sums_of<true>(x, weights, count, blocks, block_count);
  } else {
    code_sums_of<false>(x, weights, count, blocks, block_count);
  }
}

}  // namespace avx512

namespace avx2 {

[[gnu::target("avx2"), gnu::always_inline]] inline __m256d uncontracted(__m256d value) {
  asm("" : "+x"(value));
  return value;
}

[[gnu::target("avx2,fma,bmi2")]] inline void code_sums(const float* x, const float* weights, index count,
                                                       code_sum_block* blocks, index block_count) {
  for (code_sum_block* b = blocks; b != blocks + block_count; ++b) {
    __m256d inverse[2], low[2], high[2], linear[2], square[2];
    for (int j = 0; j < 2; ++j) {
      inverse[j] = _mm256_load_pd(b->inverse + 4 * j);
      low[j] = _mm256_load_pd(b->low + 4 * j);
      high[j] = _mm256_load_pd(b->high + 4 * j);
      linear[j] = square[j] = _mm256_setzero_pd();
    }
    for (index i = 0; i < count; ++i) {
      const __m256d value = _mm256_set1_pd(x[i]);
      const __m256d weight = _mm256_set1_pd(weights != nullptr ? weights[i] : 1.0);
      const __m256d moment = _mm256_mul_pd(weight, value);
      for (int j = 0; j < 2; ++j) {
        const __m256d steps = _mm256_min_pd(_mm256_max_pd(_mm256_mul_pd(value, inverse[j]), low[j]), high[j]);
        const __m256d code = _mm256_round_pd(steps, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        linear[j] = _mm256_add_pd(linear[j], uncontracted(_mm256_mul_pd(moment, code)));
        const __m256d squared = _mm256_mul_pd(weight, _mm256_mul_pd(code, code));
        square[j] = _mm256_add_pd(square[j], uncontracted(squared));
      }
    }
    for (int j = 0; j < 2; ++j) {
      _mm256_store_pd(b->linear + 4 * j, linear[j]);
      _mm256_store_pd(b->square + 4 * j, square[j]);
    }
  }
}

}  // namespace avx2
#endif

/// B and C of every candidate, with the instruction set in use.
inline void code_sums(const float* x, const float* weights, index count, code_sum_block* blocks,
                      index block_count) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512) return avx512::code_sums(x, weights, count, blocks, block_count);
  if (selected() == instruction_set::avx2) return avx2::code_sums(x, weights, count, blocks, block_count);
#endif
  portable::code_sums(x, weights, count, blocks, block_count);
}

}  // namespace bitgauge::simd
