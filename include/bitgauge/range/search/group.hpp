#pragma once

/// \file
/// A group as the searches for the best scale see it, and the squared error as a function of the scale.
///
/// For codes q the error is E(s) = sum w (x - s q)^2 = A - 2 s B + s^2 C with A = sum w x^2, B = sum w x q,
/// C = sum w q^2. Its least value over s is A - B^2 / C, at s = B / C. Nearest codes only change at the
/// breakpoints x / m, m a midpoint between two levels, so that E is piecewise quadratic.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/simd/sums/value_sums.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace bitgauge::detail {

/// B and C of the codes that belong to one scale.
struct code_sums {
  double linear;
  double square;
};

/// What a search must know of a group before it starts.
struct search_group {
  const float* x = nullptr;
  const float* weights = nullptr;  ///< null where all weigh the same
  index_t count = 0;
  double energy = 0;         ///< A
  double magnitude = 0;      ///< sum |x|
  double low = 0, high = 0;  ///< the extent, with zero, of the elements of positive weight

  double weight(index_t i) const { return weights != nullptr ? static_cast<double>(weights[i]) : 1.0; }
  double absmax() const { return std::max(-low, high); }

  /// E(s), each operation rounded in double on every compiler.
  double error(code_sums sums, double scale) const {
    using numeric::uncontracted;
    return energy + uncontracted(scale * (uncontracted(scale * sums.square) - 2 * sums.linear));
  }
  /// Differences of errors below this are rounding.
  double tolerance() const { return 1e-13 * energy; }
};

/// True where some weight is positive. Throws data_error for one that is negative or not finite.
inline bool check_weights(const group_values& group) {
  if (!group.weights.empty() && group.weights.size() != group.values.size())
    raise(shape_error("weights of group " + std::to_string(group.group) + ": expected " +
                      std::to_string(group.values.size()) + ", found " +
                      std::to_string(group.weights.size())));
  bool any = false;
  for (const float w : group.weights) {
    if (!numeric::is_finite(w) || w < 0)
      raise(data_error("weight in group " + std::to_string(group.group) +
                       ": expected a finite number from 0 up, found " + std::to_string(w)));
    any |= w > 0;
  }
  return any;
}

/// Reads a group once. Weights that are all zero say that nothing matters: they are then left out.
/// Throws shape_error for the wrong number of weights, data_error for one that is negative or not finite.
inline search_group examine_group(const group_values& group) {
  search_group found;
  found.x = group.values.data();
  found.weights = check_weights(group) ? group.weights.data() : nullptr;
  found.count = static_cast<index_t>(group.values.size());
  if (found.weights == nullptr) {
    const simd::value_sums sums = simd::sum_values(found.x, found.count);
    found.energy = sums.energy;
    found.magnitude = sums.magnitude;
    found.low = static_cast<double>(sums.low);
    found.high = static_cast<double>(sums.high);
    return found;
  }
  simd::striped_sum energy, magnitude;
  float low = 0, high = 0;
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    if (!(found.weights[i] > 0)) continue;
    const double x = found.x[i], weight = found.weights[i];
    energy.add(i, numeric::uncontracted(weight * x * x));
    magnitude.add(i, std::fabs(x));
    low = std::min(low, found.x[i]);
    high = std::max(high, found.x[i]);
  }
  found.energy = energy.total();
  found.magnitude = magnitude.total();
  found.low = low;
  found.high = high;
  return found;
}

}  // namespace bitgauge::detail
