#pragma once

/// \file
/// Importance as the encoders of blocks need it: in every block some weight counts, and none is so small that
/// sums lose it.

#include <bitgauge/config.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace bitgauge::gguf {

/// How many blocks of `elements` columns (the last may be shorter) have no weight above 0. There the weighted
/// error is 0 whatever is stored, and the encoders let the plain error decide. Cost: one pass.
inline index_t blocks_without_importance(std::span<const float> weights, index_t elements) {
  index_t found = 0;
  const auto columns = static_cast<index_t>(weights.size());
  for (index_t first = 0; first < columns; first += elements) {
    const auto block = weights.subspan(static_cast<std::size_t>(first),
                                       static_cast<std::size_t>(std::min(elements, columns - first)));
    found += std::none_of(block.begin(), block.end(), [](float w) { return numeric::magnitude_bits(w) != 0; })
                 ? 1
                 : 0;
  }
  return found;
}

}  // namespace bitgauge::gguf
