#pragma once

/// \file
/// Rounding to nearest with ties away from zero.

#include <bitgauge/base/config.hpp>

namespace bitgauge {

/// The nearest level; a value half-way between two goes to the one farther from zero. What C's round() does,
/// and the default of microsoft/microxcaling, while the microscaling specification asks for ties to even.
struct half_away_rounding {
  bool up(float value, float lower, float upper, index_t, index_t) const noexcept {
    const double twice = 2 * static_cast<double>(value);
    const double sum = static_cast<double>(lower) + static_cast<double>(upper);
    return twice > sum || (twice == sum && value > 0);
  }

  friend constexpr bool operator==(const half_away_rounding&, const half_away_rounding&) = default;
};

}  // namespace bitgauge
