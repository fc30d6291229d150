#pragma once

/// \file
/// The extent of a stream, smoothed over batches.

#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/range/observer/observed_ranges.hpp>

#include <string>
#include <vector>

namespace bitgauge {

/// Exponential averages of each batch's smallest and largest value: low += rate * (batch low - low), starting
/// at the first batch (torch: MovingAverageMinMaxObserver and its per-channel form, rate 0.01). By definition
/// the result depends on the batches and their order; there is no merge. Float arithmetic, each operation
/// rounded.
class moving_average_observer : public detail::observed_ranges {
 public:
  /// Throws invalid_scheme unless 0 < rate <= 1.
  explicit moving_average_observer(float rate = 0.01f, granularity channels = per_tensor{})
      : observed_ranges(channels), rate_(rate) {
    if (!(rate > 0 && rate <= 1))
      raise(invalid_scheme("moving average: expected a rate above 0 and at most 1, found " +
                           std::to_string(rate)));
  }

  /// Reads a batch: see minmax_observer. A channel of which a batch holds no finite value keeps its range.
  template <class Derived>
  void observe(const Eigen::DenseBase<Derived>& batch) {
    std::vector<detail::extent> seen;
    channels_.visit(batch, [&](std::size_t channel, std::span<const float> values) {
      seen.resize(std::max(seen.size(), channels_.count()));
      seen[channel].widen(detail::extent::of(values));
    });
    for (std::size_t c = 0; c < seen.size(); ++c) {
      if (seen[c].empty()) continue;
      detail::extent& average = at(c);
      if (average.empty()) {
        average = seen[c];
      } else {
        average.low = moved(average.low, seen[c].low);
        average.high = moved(average.high, seen[c].high);
      }
    }
  }

 private:
  float moved(float from, float to) const {
    const float distance = to - from;
    if (numeric::is_finite(distance)) return from + numeric::uncontracted(rate_ * distance);
    return from - numeric::uncontracted(rate_ * from) +
           numeric::uncontracted(rate_ * to);  // from -FLT_MAX to FLT_MAX: each product is finite
  }

  float rate_;
};

}  // namespace bitgauge
