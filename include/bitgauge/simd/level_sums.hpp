#pragma once

/// \file
/// What code_sums.hpp does for integers, for up to 16 listed levels: with q the level nearest to x / s, the
/// sums B = sum w x q and C = sum w q^2 of many scales at once. A lane is a candidate, so every candidate
/// adds up the elements in their order and all versions give the same bits.

#include <bitgauge/simd/code_sums.hpp>

#include <array>
#include <limits>
#include <span>

namespace bitgauge::simd {

/// Levels in ascending order, and the midpoints between neighbours; behind the last of them infinity. Both
/// are exact: levels are floats, and so are the products of two.
struct level_lanes {
  alignas(64) std::array<double, 16> levels;
  alignas(64) std::array<double, 16> midpoints;

  level_lanes() {
    levels.fill(0);
    midpoints.fill(std::numeric_limits<double>::infinity());
  }
};

namespace portable {

/// `weights` is null where all weigh 1. A value on a midpoint gets the lower level.
inline void level_sums(const float* x, const float* weights, index_t count, const level_lanes& table,
                       code_sum_block* blocks, index_t block_count) {
  for (code_sum_block* b = blocks; b != blocks + block_count; ++b) {
    double linear[code_sum_lanes] = {}, square[code_sum_lanes] = {};
    for (index_t i = 0; i < count; ++i) {
      const double value = x[i], weight = weights != nullptr ? static_cast<double>(weights[i]) : 1.0,
                   moment = weight * value;
      double steps[code_sum_lanes], level[code_sum_lanes];
      for (std::size_t j = 0; j < code_sum_lanes; ++j) {
        steps[j] = value * b->inverse[j];
        level[j] = table.levels[0];
      }
      for (std::size_t m = 0; m < 15; ++m)
        for (std::size_t j = 0; j < code_sum_lanes; ++j)
          level[j] = table.midpoints[m] < steps[j] ? table.levels[m + 1] : level[j];
      for (std::size_t j = 0; j < code_sum_lanes; ++j) {
        linear[j] += numeric::uncontracted(moment * level[j]);
        square[j] += numeric::uncontracted(weight * (level[j] * level[j]));
      }
    }
    for (std::size_t j = 0; j < code_sum_lanes; ++j) {
      b->linear[j] = linear[j];
      b->square[j] = square[j];
      b->gain[j] = linear[j] > 0 ? linear[j] * linear[j] / square[j] : 0;
    }
  }
}

}  // namespace portable

#if BITGAUGE_X86
BITGAUGE_BEGIN_AVX512
namespace avx512 {

/// Sixteen numbers in two registers.
struct table_16 {
  __m512d low, high;
};

/// t[index] in every lane, index 0..15.
[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512d look_up(const table_16& t, __m512i index) {
  return _mm512_permutex2var_pd(t.low, index, t.high);
}

/// The search for a level, by halving: the midpoints that each step compares with, where the lanes find them
/// by the midpoints known to lie below.
struct level_search {
  __m512d first, second_low, second_high;  ///< midpoints 7, and 3 or 11
  table_16 third, fourth, levels;          ///< midpoint rank + 1; midpoint rank
};

[[BITGAUGE_AVX512, gnu::always_inline]] inline level_search make_level_search(const level_lanes& t) {
  const double* m = t.midpoints.data();
  const table_16 midpoints{_mm512_load_pd(m), _mm512_load_pd(m + 8)};
  const table_16 shifted{_mm512_loadu_pd(m + 1), _mm512_maskz_loadu_pd(0x7f, m + 9)};
  return {_mm512_set1_pd(m[7]),
          _mm512_set1_pd(m[3]),
          _mm512_set1_pd(m[11]),
          shifted,
          midpoints,
          {_mm512_load_pd(t.levels.data()), _mm512_load_pd(t.levels.data() + 8)}};
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline __m512d nearest_levels(const level_search& t, __m512d steps) {
  const __mmask8 above_7 = _mm512_cmp_pd_mask(t.first, steps, _CMP_LT_OQ);
  const __m512d second = _mm512_mask_blend_pd(above_7, t.second_low, t.second_high);
  __m512i rank = _mm512_maskz_set1_epi64(above_7, 8);
  rank =
      _mm512_mask_add_epi64(rank, _mm512_cmp_pd_mask(second, steps, _CMP_LT_OQ), rank, _mm512_set1_epi64(4));
  rank = _mm512_mask_add_epi64(rank, _mm512_cmp_pd_mask(look_up(t.third, rank), steps, _CMP_LT_OQ), rank,
                               _mm512_set1_epi64(2));
  rank = _mm512_mask_add_epi64(rank, _mm512_cmp_pd_mask(look_up(t.fourth, rank), steps, _CMP_LT_OQ), rank,
                               _mm512_set1_epi64(1));
  return look_up(t.levels, rank);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline void add_levels(code_sum_registers& r, const level_search& t,
                                                               __m512d value) {
  const __m512d level = nearest_levels(t, _mm512_mul_pd(value, r.inverse));
  r.linear = _mm512_fmadd_pd(value, level, r.linear);
  r.square = _mm512_fmadd_pd(level, level, r.square);
}

[[BITGAUGE_AVX512, gnu::always_inline]] inline void add_levels(code_sum_registers& r, const level_search& t,
                                                               __m512d value, __m512d weight) {
  const __m512d level = nearest_levels(t, _mm512_mul_pd(value, r.inverse));
  __m512d linear = _mm512_mul_pd(_mm512_mul_pd(weight, value), level);
  __m512d square = _mm512_mul_pd(weight, _mm512_mul_pd(level, level));
  asm("" : "+v"(linear), "+v"(square));  // as numeric::uncontracted
  r.linear = _mm512_add_pd(r.linear, linear);
  r.square = _mm512_add_pd(r.square, square);
}

/// `Blocks` side by side hide the latency of the search.
template <int Blocks>
[[BITGAUGE_AVX512]] inline void level_sums_of(const float* x, const float* weights, index_t count,
                                              const level_lanes& table, code_sum_block* b) {
  const level_search search = make_level_search(table);
  code_sum_registers r[static_cast<std::size_t>(Blocks)];
  for (int k = 0; k < Blocks; ++k) r[k] = load(b[k]);
  if (weights == nullptr) {
    for (index_t i = 0; i < count; ++i)
      for (int k = 0; k < Blocks; ++k) add_levels(r[k], search, _mm512_set1_pd(x[i]));
  } else {
    for (index_t i = 0; i < count; ++i)
      for (int k = 0; k < Blocks; ++k)
        add_levels(r[k], search, _mm512_set1_pd(x[i]), _mm512_set1_pd(weights[i]));
  }
  for (int k = 0; k < Blocks; ++k) store(r[k], b[k]);
}

inline void level_sums(const float* x, const float* weights, index_t count, const level_lanes& table,
                       code_sum_block* blocks, index_t block_count) {
  index_t i = 0;
  for (; i + 3 <= block_count; i += 3) level_sums_of<3>(x, weights, count, table, blocks + i);
  for (; i < block_count; ++i) level_sums_of<1>(x, weights, count, table, blocks + i);
}

}  // namespace avx512
BITGAUGE_END_AVX512

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
#endif

/// B and C of every candidate, with the instruction set in use.
inline void level_sums(const float* x, const float* weights, index_t count, const level_lanes& table,
                       code_sum_block* blocks, index_t block_count) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512)
    return avx512::level_sums(x, weights, count, table, blocks, block_count);
  if (selected() == instruction_set::avx2)
    return avx2::level_sums(x, weights, count, table, blocks, block_count);
#endif
  portable::level_sums(x, weights, count, table, blocks, block_count);
}

}  // namespace bitgauge::simd
