#pragma once

/// \file
/// Sums over a group for many candidates of its scale at once, with the instruction set in use: see
/// portable/code_sums.hpp.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/code_sums.hpp>

#include <cstddef>

namespace bitgauge::simd {

/// B and C of every candidate.
BITGAUGE_DECLARE void code_sums(const float* x, const float* weights, index_t count, code_sum_block* blocks,
                                index_t block_count);

/// The first of the candidates whose codes, at their own best scale, take most off the error.
BITGAUGE_DECLARE std::size_t best_gain(const code_sum_block* blocks, index_t block_count);

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/sums/code_sums_definitions.hpp>
#endif
