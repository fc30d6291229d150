#pragma once

/// \file
/// Equal bins: what calibration searches, however it was counted.

#include <bitgauge/error.hpp>
#include <bitgauge/range/range.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace bitgauge {

/// Counts of values in bins of equal width: bin i holds low + i * width <= x < low + (i + 1) * width, the
/// last bin its upper end too.
struct histogram {
  double low = 0;
  double width = 0;
  std::vector<double> counts;
  float smallest = 0;  ///< of the values counted
  float largest = 0;

  std::size_t bins() const { return counts.size(); }
  double edge(std::size_t i) const { return low + width * static_cast<double>(i); }
  double center(std::size_t i) const { return low + width * (static_cast<double>(i) + 0.5); }
  double total() const {
    double sum = 0;
    for (const double count : counts) sum += count;
    return sum;
  }

  /// The bin of `x`, which is within the ends; the nearest one beyond them.
  std::size_t bin_of(double x) const {
    const double bin = std::floor((x - low) / width);
    return static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(counts.size() - 1)));
  }
};

namespace detail {

/// Counts `values` (or their magnitudes) in `bins` bins between two ends. Values outside are left out, as
/// torch.histc does. Where the ends are equal all values are in bin 0 of width 0.
inline histogram count_values(std::span<const float> values, std::span<const float> weights, std::size_t bins,
                              double low, double high, bool magnitudes) {
  histogram h{low, (high - low) / static_cast<double>(bins), std::vector<double>(bins), 0, 0};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = magnitudes ? std::fabs(static_cast<double>(values[i])) : static_cast<double>(values[i]);
    if (!numeric::is_finite(values[i]) || x < low || x > high) continue;
    const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
    h.counts[h.width > 0 ? h.bin_of(x) : 0] += weight;
  }
  const interval extent = extent_of(values);
  h.smallest = extent.low;
  h.largest = extent.high;
  return h;
}

}  // namespace detail
}  // namespace bitgauge
