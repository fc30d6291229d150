#pragma once

/// \file
/// Codebooks fitted to data: the levels of least squared error.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

/// Weighted points in ascending order, with running sums that give the error of any run around its mean in
/// O(1).
class sorted_points {
 public:
  sorted_points(std::span<const float> values, std::span<const float> weights, std::size_t most) {
    std::vector<std::pair<float, double>> points;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
      if (weight > 0) points.emplace_back(values[i], weight);
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    const std::size_t run = std::max<std::size_t>(1, (points.size() + most - 1) / most);
    for (std::size_t first = 0; first < points.size(); first += run) {
      double weight = 0, linear = 0, square = 0;
      for (std::size_t i = first; i < std::min(first + run, points.size()); ++i) {
        const double x = static_cast<double>(points[i].first), w = points[i].second;
        weight += w;
        linear += numeric::uncontracted(w * x);
        square += numeric::uncontracted(w * x * x);
      }
      weight_.push_back(weight_.back() + weight);
      linear_.push_back(linear_.back() + linear);
      square_.push_back(square_.back() + square);
    }
  }

  std::size_t size() const noexcept { return weight_.size() - 1; }
  double mean(std::size_t from, std::size_t to) const noexcept {
    return (linear_[to] - linear_[from]) / (weight_[to] - weight_[from]);
  }
  /// sum w (x - mean)^2 over [from, to).
  double error(std::size_t from, std::size_t to) const noexcept {
    const double sum = linear_[to] - linear_[from];
    return std::max(
        0.0, square_[to] - square_[from] - numeric::uncontracted(sum * sum) / (weight_[to] - weight_[from]));
  }

 private:
  std::vector<double> weight_{0.0}, linear_{0.0}, square_{0.0};
};

/// The best cut of all points into 1, 2, .. runs, by dynamic programming over the last run. As the best
/// beginning of the last run never moves left when points are added, each row is filled by divide and
/// conquer.
class best_runs {
 public:
  best_runs(const sorted_points& points, std::size_t runs) : points_(points) {
    const std::size_t n = points.size();
    error_.assign(n + 1, std::numeric_limits<double>::infinity());
    error_[0] = 0;
    for (std::size_t run = 0; run < runs; ++run) {
      next_.assign(n + 1, std::numeric_limits<double>::infinity());
      begins_.emplace_back(n + 1, 0u);
      fill(run + 1, n, run, n - 1);
      error_.swap(next_);
    }
  }

  /// The means of the runs, ascending.
  std::vector<float> means() const {
    std::vector<float> found;
    std::size_t end = points_.size();
    for (std::size_t run = begins_.size(); run-- > 0;) {
      const std::size_t begin = begins_[run][end];
      found.push_back(static_cast<float>(points_.mean(begin, end)));
      end = begin;
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

 private:
  /// Fills entries [low, high] of the row, whose last runs begin in [first, last].
  void fill(std::size_t low, std::size_t high, std::size_t first, std::size_t last) {
    if (low > high) return;
    const std::size_t middle = low + (high - low) / 2;
    std::size_t best = first;
    for (std::size_t begin = first; begin <= std::min(last, middle - 1); ++begin) {
      const double error = error_[begin] + points_.error(begin, middle);
      if (error < next_[middle]) {
        next_[middle] = error;
        best = begin;
      }
    }
    begins_.back()[middle] = static_cast<std::uint32_t>(best);
    fill(low, middle - 1, first, best);
    fill(middle + 1, high, best, last);
  }

  const sorted_points& points_;
  std::vector<double> error_, next_;
  std::vector<std::vector<std::uint32_t>> begins_;
};

}  // namespace detail

/// The `count` levels of least error sum_i w_i (x_i - nearest level)^2, ascending: one-dimensional k-means,
/// solved to its global optimum (Wu, "Optimal quantization by matrix searching", J. Algorithms 12, 1991),
/// where Lloyd's and Max's iteration only finds a local one. Beyond 32768 values, neighbours in sorted order
/// are joined first. Fewer levels where there are fewer values. Throws invalid_scheme unless count is 1..256,
/// shape_error where weights are another number, data_error on no value, one that is not finite, or a weight
/// that is negative. Cost: O(n log n + count * m log m), m = min(n, 32768); memory count * m * 4 bytes.
///
///     const codebook_grid own(fit_levels(values, 16));
inline std::vector<float> fit_levels(std::span<const float> values, int count,
                                     std::span<const float> weights = {}) {
  if (count < 1 || count > 256)
    raise(invalid_scheme("fitted codebook: expected 1 to 256 levels, found " + std::to_string(count)));
  if (!weights.empty() && weights.size() != values.size())
    raise(shape_error("fitted codebook: expected " + std::to_string(values.size()) + " weights, found " +
                      std::to_string(weights.size())));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!numeric::is_finite(values[i]) ||
        (!weights.empty() && (!numeric::is_finite(weights[i]) || weights[i] < 0)))
      raise(data_error("fitted codebook: value " + std::to_string(i) +
                       ": expected a finite value with a finite weight from 0 up"));
  const detail::sorted_points points(values, weights, 32768);
  if (points.size() == 0)
    raise(data_error("fitted codebook: expected values of positive weight, found none"));
  return detail::best_runs(points, std::min(static_cast<std::size_t>(count), points.size())).means();
}

}  // namespace bitgauge
