#pragma once

/// \file
/// The levels of a grid in ascending order, each with its code: what a rounding chooses among.

#include <bitgauge/grid/grid.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// The levels that codes may take, equal ones by field. `Level` has a `value` and a `field`.
template <class Level>
std::vector<Level> levels_in_use(const any_grid& grid) {
  std::vector<Level> levels;
  const integer_grid* integer = grid.integer();
  for (int f = 0; f < 1 << grid.bits(); ++f) {
    const float value = grid.level(f);
    const bool used = integer == nullptr ? grid.is_used(f)
                                         : value >= static_cast<float>(integer->lowest) &&
                                               value <= static_cast<float>(integer->highest);
    if (used) levels.push_back({value, static_cast<std::uint8_t>(f)});
  }
  std::stable_sort(levels.begin(), levels.end(),
                   [](const Level& a, const Level& b) { return a.value < b.value; });
  return levels;
}

}  // namespace bitgauge::detail
