#pragma once

/// \file
/// The choices of NVIDIA's histogram calibrators (pytorch-quantization and Model-Optimizer,
/// calib/histogram.py), as settings of the library's own parts. What they are known to do wrong is left out:
/// windows that hold nothing are no candidates, and the histogram is not changed.

#include <bitgauge/range/observer/divergence.hpp>
#include <bitgauge/range/observer/histogram.hpp>
#include <bitgauge/range/search/integer_codes.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace bitgauge::nvidia {

/// The histogram of |x|: `bins` bins up to the largest value of the first batch; for a larger one later, bins
/// of the same width are added. Memory grows with the largest value: histogram_observer does without.
class magnitude_histogram {
 public:
  explicit magnitude_histogram(std::size_t bins = 2048) : bins_(bins) {}

  void observe(std::span<const float> batch) {
    const float largest = detail::extent_of(batch).magnitude();
    const bool first = counts_.bins() == 0;
    if (first) counts_ = {0, static_cast<double>(largest) / static_cast<double>(bins_), {}, 0, 0};
    if (first) counts_.counts.resize(bins_);
    if (static_cast<double>(largest) > counts_.edge(counts_.bins()))
      counts_.counts.resize(
          static_cast<std::size_t>(std::ceil(static_cast<double>(largest) / counts_.width)));
    const auto batch_counts =
        detail::count_values(batch, {}, counts_.bins(), 0, counts_.edge(counts_.bins()), true);
    for (std::size_t i = 0; i < counts_.bins(); ++i) counts_.counts[i] += batch_counts.counts[i];
    counts_.largest = std::max(counts_.largest, largest);
  }

  const histogram& counts() const { return counts_; }

 private:
  std::size_t bins_;
  histogram counts_;
};

/// The candidates of a search: every `stride`-th bin from `first` on.
struct candidates {
  std::size_t first = 128;
  std::size_t stride = 1;
};

/// Index of the first bin at which the share of counts reaches percent / 100; the threshold is its lower
/// edge.
inline std::size_t percentile_bin(const histogram& h, double percent) {
  const double total = h.total();
  double share = 0;
  for (std::size_t i = 0; i < h.bins(); ++i) {
    share += h.counts[i] / total;
    if (share >= percent / 100) return i;
  }
  return h.bins() - 1;
}

/// The largest code: 2^(bits - 1) - 1, or 2^bits - 1 where the values are not negative (`is_unsigned`).
inline double largest_code(int bits, bool is_unsigned) {
  return std::ldexp(1.0, bits - 1 + (is_unsigned ? 1 : 0)) - 1;
}

/// Index of the bin whose centre, as the largest value, gives the least squared error of all bins' centres.
inline std::size_t mse_bin(const histogram& h, int bits, bool is_unsigned, candidates from) {
  std::vector<float> centers, weights;
  for (std::size_t i = 0; i < h.bins(); ++i) {
    centers.push_back(static_cast<float>(h.center(i)));
    weights.push_back(static_cast<float>(h.counts[i]));
  }
  const detail::search_group group = detail::examine_group({centers, weights, 0});
  const detail::integer_codes codes(group);
  const double most = largest_code(bits, is_unsigned);
  double least = std::numeric_limits<double>::max();
  std::size_t best = h.bins() - 1;
  detail::trial_batch trials;
  for (std::size_t begin = from.first; begin < h.bins();) {
    trials.clear();
    std::size_t end = begin;
    for (; end < h.bins() && trials.size() < detail::trial_batch::capacity; end += from.stride)
      trials.add(most / h.center(end), {-most, most});
    codes.evaluate(trials);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const double error = group.error(trials[i].sums, 1 / trials[i].inverse);
      if (!(error < least)) continue;
      least = error;
      best = begin + i * from.stride;
    }
    begin = end;
  }
  return best;
}

/// Number of bins in the window of least divergence, which ends at the threshold: its bins merge evenly into
/// 2^(bits - 1) (2^bits where `is_unsigned`); the first bin counts as much as the second; the last minimum
/// wins.
inline std::size_t entropy_bins(const histogram& h, int bits, bool is_unsigned, candidates from) {
  std::vector<double> counts = h.counts, clipped, spread;
  counts[0] = counts[1];
  const double levels = largest_code(bits, is_unsigned) + 1;
  double least = detail::no_divergence;
  std::size_t best = h.bins();
  for (std::size_t i = from.first; i <= h.bins(); i += from.stride) {
    const double step = static_cast<double>(i) / levels;
    const auto group_of = [&](std::size_t bin) {
      const auto at = static_cast<double>(bin);
      double k = std::floor(at / step);
      while ((k + 1) * step <= at) ++k;
      while (k * step > at) --k;
      return k;
    };
    const std::span<const double> inside(counts.data(), i);
    detail::merge_and_spread(inside, group_of, spread);
    clipped.assign(inside.begin(), inside.end());
    for (std::size_t bin = i; bin < counts.size(); ++bin) clipped.back() += counts[bin];
    const double found = detail::divergence(clipped, spread);
    if (found <= least) {
      least = found;
      best = i;
    }
  }
  return best;
}

}  // namespace bitgauge::nvidia
