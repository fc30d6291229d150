#pragma once

/// \file
/// What level_sums.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/sums/level_sums.hpp>
#include <bitgauge/simd/x86/avx2/level_sums.hpp>
#include <bitgauge/simd/x86/avx512/level_sums.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<level_sum_operations> level_sum_table;

BITGAUGE_DEFINE void level_sums(const float* x, const float* weights, index_t count, const level_lanes& table,
                                code_sum_block* blocks, index_t block_count) {
  level_sum_table.in_use().level_sums(x, weights, count, table, blocks, block_count);
}

}  // namespace bitgauge::simd
