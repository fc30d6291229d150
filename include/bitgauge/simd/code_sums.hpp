#pragma once

/// \file
/// Sums over a group for many candidates of its scale at once, with the instruction set in use: see
/// portable/code_sums.hpp.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/code_sums.hpp>
#include <bitgauge/simd/x86/avx2/code_sums.hpp>
#include <bitgauge/simd/x86/avx512/code_sums.hpp>

#include <cstddef>

namespace bitgauge::simd {

inline constexpr operation_table<code_sum_operations> code_sum_table;

/// B and C of every candidate.
inline void code_sums(const float* x, const float* weights, index_t count, code_sum_block* blocks,
                      index_t block_count) {
  code_sum_table.in_use().code_sums(x, weights, count, blocks, block_count);
}

/// The first of the candidates whose codes, at their own best scale, take most off the error.
inline std::size_t best_gain(const code_sum_block* blocks, index_t block_count) {
  return code_sum_table.in_use().best_gain(blocks, block_count);
}

}  // namespace bitgauge::simd
