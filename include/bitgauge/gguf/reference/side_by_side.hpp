#pragma once

/// \file
/// Sixteen sub-blocks next to each other, for searches that do the same for each.

#include <algorithm>
#include <array>
#include <cstddef>

namespace bitgauge::gguf::reference {

/// Elements and weights of up to sixteen sub-blocks: row j holds element j of each.
template <int Count>
struct side_by_side {
  alignas(64) std::array<std::array<float, 16>, static_cast<std::size_t>(Count)> x, weight;

  /// Puts a sub-block into a lane.
  void set(std::size_t lane, const float* elements, const float* weights) noexcept {
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j][lane] = elements[j];
      weight[j][lane] = weights[j];
    }
  }
  /// Fills the lanes from `used` on with copies of the first.
  void repeat_first(std::size_t used) noexcept {
    for (std::size_t j = 0; j < x.size(); ++j) {
      std::fill(x[j].begin() + static_cast<std::ptrdiff_t>(used), x[j].end(), x[j][0]);
      std::fill(weight[j].begin() + static_cast<std::ptrdiff_t>(used), weight[j].end(), weight[j][0]);
    }
  }
};

}  // namespace bitgauge::gguf::reference
