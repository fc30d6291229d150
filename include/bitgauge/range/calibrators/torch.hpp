#pragma once

/// \file
/// torch's HistogramObserver (torchao, quantization/pt2e/observer.py): the histogram of a stream between its
/// extremes, and a search that cuts its ends while the estimated error falls.

#include <bitgauge/range/observer/histogram.hpp>
#include <bitgauge/range/observer/observed_ranges.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace bitgauge::torch {

/// The histogram between the smallest and largest value so far. When the extent grows, each bin is cut into
/// `upsampling` parts, and each part goes to the new bin that its middle lies in.
class extent_histogram {
 public:
  explicit extent_histogram(std::size_t bins = 2048, std::size_t upsampling = 16)
      : bins_(bins), upsampling_(upsampling) {}

  void observe(std::span<const float> batch) {
    bitgauge::detail::extent seen = bitgauge::detail::extent::of(batch);
    if (seen.empty()) return;
    const bool first = counts_.bins() == 0;
    if (!first) seen.widen(bitgauge::detail::extent{counts_.smallest, counts_.largest});
    histogram sum = bitgauge::detail::count_values(batch, {}, bins_, static_cast<double>(seen.low),
                                                   static_cast<double>(seen.high), false);
    sum.smallest = seen.low;
    sum.largest = seen.high;
    if (!first) transfer(sum);
    counts_ = std::move(sum);
  }

  const histogram& counts() const { return counts_; }

 private:
  void transfer(histogram& to) const {
    const bool same = counts_.smallest == to.smallest && counts_.largest == to.largest;
    const auto parts = static_cast<double>(upsampling_);
    for (std::size_t i = 0; i < bins_; ++i) {
      if (same) {
        to.counts[i] += counts_.counts[i];
      } else if (counts_.width == 0) {
        to.counts[to.bin_of(counts_.low)] += counts_.counts[i];
      } else {
        for (std::size_t part = 0; part < upsampling_; ++part) {
          const double middle = static_cast<double>(i) + (static_cast<double>(part) + 0.5) / parts;
          to.counts[to.bin_of(counts_.low + counts_.width * middle)] += counts_.counts[i] / parts;
        }
      }
    }
  }

  std::size_t bins_, upsampling_;
  histogram counts_;
};

namespace detail {

/// The estimated squared error where the bins `begin` .. `end` are quantized to `levels` equal cells and
/// values are spread evenly within a bin: the integral of density * (x - nearest cell's middle)^2.
inline double estimated_error(const histogram& h, std::size_t begin, std::size_t end, double levels) {
  const double cell = h.width * static_cast<double>(end - begin + 1) / levels;
  if (cell == 0) return 0;
  const auto integral = [](double from, double to) { return (to * to * to - from * from * from) / 3; };
  const auto cell_of = [&](double x) { return std::clamp(std::floor(x / cell), 0.0, levels - 1); };
  double error = 0;
  for (std::size_t i = 0; i < h.bins(); ++i) {
    const double from = (static_cast<double>(i) - static_cast<double>(begin)) * h.width, to = from + h.width;
    const double first = cell_of(from), last = cell_of(to);
    const double whole = (last - first - 1) * integral(-cell / 2, cell / 2);
    error += h.counts[i] / h.width *
             (integral(from - (first + 0.5) * cell, cell / 2) + whole +
              integral(-cell / 2, to - (last + 0.5) * cell));
  }
  return error;
}

}  // namespace detail

/// What the search leaves: bins first .. last and the range they cover.
struct histogram_choice {
  std::size_t first = 0, last = 0;
  interval range;
};

/// Cuts a hundred-thousandth of the counts after the other from whichever end gives up more bins, until the
/// estimated error with `levels` codes would rise.
inline histogram_choice search_range(const histogram& h, int levels) {
  constexpr double step = 1e-5;
  const double total = h.total();
  std::vector<double> share(h.bins());
  double sum = 0;
  for (std::size_t i = 0; i < h.bins(); ++i) share[i] = sum += h.counts[i];

  std::size_t first = 0, last = h.bins() - 1;
  double least = std::numeric_limits<double>::max();
  for (double alpha = 0, beta = 1; alpha < beta;) {
    std::size_t l = first, r = last;
    while (l < last && share[l] < (alpha + step) * total) ++l;
    while (r > first && share[r] > (beta - step) * total) --r;
    std::size_t next_first = first, next_last = last;
    if (l - first > last - r) {
      next_first = l;
      alpha += step;
    } else {
      next_last = r;
      beta -= step;
    }
    if (next_first == first && next_last == last) continue;
    const double error = detail::estimated_error(h, next_first, next_last, levels);
    if (error > least) break;
    least = error;
    first = next_first;
    last = next_last;
  }
  return {first, last, {static_cast<float>(h.edge(first)), static_cast<float>(h.edge(last + 1))}};
}

}  // namespace bitgauge::torch
