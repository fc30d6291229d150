#pragma once

/// \file
/// The least squared error of a group, by brute force in double: every set of codes that nearest rounding can
/// give is visited. And the error that parameters leave, with the codes that the library computes.

#include <bitgauge/grid/integer.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace test {

/// A group with one weight for each value, or none.
struct weighted_group {
  std::vector<float> x, w;

  double weight(std::size_t i) const { return w.empty() ? 1.0 : static_cast<double>(w[i]); }
  double energy() const {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += weight(i) * static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return sum;
  }
};

/// sum w (x - s (q - z))^2 with q = clamp(rint(x * (1 / s)) + z) computed as the library does, in float.
inline double error_of(const weighted_group& group, const bitgauge::integer_grid& grid,
                       bitgauge::parameters p) {
  const float inverse = bitgauge::inverse_scale(p.scale);
  double sum = 0;
  for (std::size_t i = 0; i < group.x.size(); ++i) {
    double code = 0;
    if (grid.is_sign_only()) {
      code = group.x[i] < 0 ? -1 : 1;
    } else {
      const auto low = static_cast<float>(grid.lowest - p.zero_point);
      const auto high = static_cast<float>(grid.highest - p.zero_point);
      code = static_cast<double>(std::nearbyint(std::clamp(group.x[i] * inverse, low, high)));
    }
    const double left = static_cast<double>(group.x[i]) - static_cast<double>(p.scale) * code;
    sum += group.weight(i) * left * left;
  }
  return sum;
}

/// For each zero point: start where all codes are 0 and let the scale fall past one breakpoint after another;
/// for each set of codes the best scale is known in closed form.
inline double least_error(const weighted_group& group, const bitgauge::integer_grid& grid) {
  struct change {
    double scale, linear, square;
  };
  const double energy = group.energy();
  double least = energy;
  const int first = grid.has_zero_point ? grid.lowest : grid.center;
  const int last = grid.has_zero_point ? grid.highest : grid.center;
  for (int z = first; z <= last; ++z) {
    std::vector<change> changes;
    for (std::size_t i = 0; i < group.x.size(); ++i) {
      const double magnitude = std::fabs(static_cast<double>(group.x[i])), weight = group.weight(i);
      const int limit = group.x[i] < 0 ? z - grid.lowest : grid.highest - z;
      for (int k = 1; k <= limit && magnitude > 0; ++k)
        changes.push_back({magnitude / (k - 0.5), weight * magnitude, weight * (2 * k - 1)});
    }
    std::sort(changes.begin(), changes.end(),
              [](const change& a, const change& b) { return a.scale > b.scale; });
    double linear = 0, square = 0;
    for (const change& c : changes) {
      linear += c.linear;
      square += c.square;
      if (square > 0) least = std::min(least, energy - linear * linear / square);
    }
  }
  return std::max(least, 0.0);
}

}  // namespace test
