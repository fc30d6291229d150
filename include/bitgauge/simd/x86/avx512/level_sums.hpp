#pragma once

/// \file
/// See level_sums.hpp: with AVX-512 a block is a register, and so is half a table.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/level_sums.hpp>
#include <bitgauge/simd/x86/avx512/code_sums.hpp>

#include <cstddef>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
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

template <>
constexpr void improve<instruction_set::avx512>(level_sum_operations& operations) {
  operations.level_sums = avx512::level_sums;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
