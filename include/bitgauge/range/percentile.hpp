#pragma once

/// \file
/// The range that leaves out a fixed share of the values.

#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/search/group.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace bitgauge {
namespace detail {

/// Quantiles of values that may be weighted. Of the sorted values, value i stands at the middle of its
/// weight,
///     t_i = (w_1 + ... + w_i - w_i / 2) / (w_1 + ... + w_n),
/// and quantiles between are interpolated linearly; those beyond the ends are the smallest and largest value.
/// Equal weights give t_i = (i - 1/2) / n: definition 5 (Hazen's) of Hyndman & Fan, Sample quantiles in
/// statistical packages, 1996. It is the same for values and for a histogram of them, but for the width of a
/// bin. Values of weight 0 do not count. Cost: one sort.
class quantiles {
 public:
  /// A template, as is percentile_range::fit, so that only who calls it compiles the sort.
  template <int = 0>
  quantiles(std::vector<float> values, const std::vector<float>& weights) : values_(std::move(values)) {
    if (weights.empty()) {
      std::sort(values_.begin(), values_.end());
      return;
    }
    std::vector<std::size_t> order(values_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::erase_if(order, [&](std::size_t i) { return !(weights[i] > 0); });
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values_[a] < values_[b]; });
    std::vector<float> sorted;
    for (const std::size_t i : order) {
      const double half = static_cast<double>(weights[i]) / 2;
      sorted.push_back(values_[i]);
      positions_.push_back(total_ + half);
      total_ += 2 * half;
    }
    values_.swap(sorted);
  }

  /// The quantile of `share` in 0..1; there must be a value.
  float at(double share) const {
    if (positions_.empty()) {
      const double last = static_cast<double>(values_.size() - 1);
      const double position =
          std::clamp(numeric::uncontracted(share * static_cast<double>(values_.size())) - 0.5, 0.0, last);
      const auto below = static_cast<std::size_t>(position);
      return between(below, position - static_cast<double>(below));
    }
    const double position = share * total_;
    if (position <= positions_.front()) return values_.front();
    const auto found = std::upper_bound(positions_.begin(), positions_.end(), position);
    if (found == positions_.end()) return values_.back();
    const auto below = static_cast<std::size_t>(found - positions_.begin()) - 1;
    return between(below, (position - positions_[below]) / (positions_[below + 1] - positions_[below]));
  }

 private:
  float between(std::size_t below, double part) const {
    const double from = values_[below], to = values_[std::min(below + 1, values_.size() - 1)];
    return static_cast<float>(from + numeric::uncontracted(part * (to - from)));
  }

  std::vector<float> values_;
  std::vector<double> positions_;  ///< empty where all weigh the same
  double total_ = 0;
};

}  // namespace detail

/// The interval that holds `percent` of the values' weight. On a symmetric grid [-a, a] with a the quantile
/// of the magnitudes; on an affine grid (100 - percent) / 2 is left out at each end. A one-bit symmetric grid
/// gets the mean of the magnitudes cut at a. Other grids count as symmetric. See detail::quantiles for the
/// definition between values. Cost: a sort of the group. Throws invalid_scheme unless 0 < percent <= 100.
struct percentile_range {
  double percent = 99.9;

  template <int = 0>
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const {
    if (!(percent > 0 && percent <= 100))
      raise(invalid_scheme("percentile: expected more than 0 and at most 100, found " +
                           std::to_string(percent)));
    const bool weighted = detail::check_weights(group);
    std::vector<float> values(group.values.begin(), group.values.end()), weights;
    if (weighted) weights.assign(group.weights.begin(), group.weights.end());
    if (values.empty()) return detail::parameters_for({0, 0}, grid, storage);
    if (grid.has_zero_point()) {
      const detail::quantiles of(std::move(values), weights);
      const double outside = (1 - percent / 100) / 2;
      return detail::parameters_for(detail::including_zero({of.at(outside), of.at(1 - outside)}), grid,
                                    storage);
    }
    for (float& v : values) v = std::fabs(v);
    float limit = detail::quantiles(values, weights).at(percent / 100);
    if (grid.integer() != nullptr && grid.integer()->is_sign_only())
      limit = mean_below(limit, values, weights);
    return detail::parameters_for(detail::symmetric_interval(limit), grid, storage);
  }

  friend constexpr bool operator==(const percentile_range&, const percentile_range&) = default;

 private:
  static float mean_below(float limit, const std::vector<float>& magnitudes,
                          const std::vector<float>& weights) {
    double sum = 0, total = 0;
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
      sum += weight * static_cast<double>(std::min(magnitudes[i], limit));  // exact product
      total += weight;
    }
    return static_cast<float>(sum / total);
  }
};

}  // namespace bitgauge
