#pragma once

/// \file
/// What code_sums.hpp does for integers, for up to 16 listed levels: with q the level nearest to x / s, the
/// sums B = sum w x q and C = sum w q^2 of many scales at once. A lane is a candidate, so every candidate
/// adds up the elements in their order and all versions give the same bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/simd/portable/code_sums.hpp>

#include <array>
#include <cstddef>
#include <limits>

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

struct level_sum_operations {
  decltype(portable::level_sums)* level_sums = portable::level_sums;
};

}  // namespace bitgauge::simd
