#pragma once

/// \file
/// Grids of evenly spaced levels, in double.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace test {

/// The level of 0..most nearest to (x - minimum) / scale.
inline double nearest_level(double x, double scale, double minimum, int most) {
  return std::clamp(std::nearbyint((x - minimum) / scale), 0.0, static_cast<double>(most));
}

/// sum w (x - scale l - minimum)^2 over the nearest levels.
inline double affine_error(std::span<const float> x, std::span<const float> weight, double scale,
                           double minimum, int most) {
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double rest = x[j] - scale * nearest_level(x[j], scale, minimum, most) - minimum;
    sum += weight[j] * rest * rest;
  }
  return sum;
}

}  // namespace test
