#pragma once

/// \file
/// What lookup.hpp declares.

#include <bitgauge/grid/fitted_codebook.hpp>
#include <bitgauge/grid/lookup.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bitgauge::detail {

BITGAUGE_DEFINE void fit_stored_levels(std::span<const float> values, std::span<const float> weights,
                                       level_type type, std::span<float> levels) {
  // where no element has a weight, all count alike
  if (std::none_of(weights.begin(), weights.end(), [](float w) { return w > 0; })) weights = {};
  const std::vector<float> best = fit_levels(values, static_cast<int>(levels.size()), weights);
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = stored_level(type, best[std::min(i, best.size() - 1)]);
}

}  // namespace bitgauge::detail
