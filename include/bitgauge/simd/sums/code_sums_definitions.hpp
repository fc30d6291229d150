#pragma once

/// \file
/// What code_sums.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/sums/code_sums.hpp>
#include <bitgauge/simd/x86/avx2/code_sums.hpp>
#include <bitgauge/simd/x86/avx512/code_sums.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<code_sum_operations> code_sum_table;

BITGAUGE_DEFINE void code_sums(const float* x, const float* weights, index_t count, code_sum_block* blocks,
                               index_t block_count) {
  code_sum_table.in_use().code_sums(x, weights, count, blocks, block_count);
}

BITGAUGE_DEFINE std::size_t best_gain(const code_sum_block* blocks, index_t block_count) {
  return code_sum_table.in_use().best_gain(blocks, block_count);
}

}  // namespace bitgauge::simd
