#pragma once

/// \file
/// The sums from which the squared error of a group follows for many scales at once: a lane is a candidate,
/// so every candidate adds up the elements in their order and all versions give the same bits.
///
/// With q = clamp(rint(x / s), low, high) the error is E(s) = sum w x^2 - 2 s B + s^2 C, where
/// B = sum w x q and C = sum w q^2.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
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

struct code_sum_operations {
  decltype(portable::code_sums)* code_sums = portable::code_sums;
  decltype(portable::best_gain)* best_gain = portable::best_gain;
};

}  // namespace bitgauge::simd
