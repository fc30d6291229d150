#pragma once

/// \file
/// Sums over a group coded by listed levels for many candidates of its scale at once, with the instruction
/// set in use: see portable/level_sums.hpp.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/level_sums.hpp>
#include <bitgauge/simd/sums/code_sums.hpp>

namespace bitgauge::simd {

/// B and C of every candidate.
BITGAUGE_DECLARE void level_sums(const float* x, const float* weights, index_t count,
                                 const level_lanes& table, code_sum_block* blocks, index_t block_count);

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/sums/level_sums_definitions.hpp>
#endif
