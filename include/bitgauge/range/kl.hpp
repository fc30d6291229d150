#pragma once

/// \file
/// The range that keeps most of the distribution's information.

#include <bitgauge/range/divergence.hpp>
#include <bitgauge/range/histogram.hpp>
#include <bitgauge/range/mse.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge {
namespace detail {

/// A part of a histogram before and after quantizing.
class kl_window {
 public:
  explicit kl_window(const histogram& h) : h_(h), centers_(h.bins()), fields_(h.bins()) {
    for (std::size_t i = 0; i < h.bins(); ++i) centers_[i] = static_cast<float>(h.center(i));
  }

  /// D(P || Q) of the bins begin .. end - 1.
  double divergence(std::size_t begin, std::size_t end, const grid_model& grid, parameters p) {
    const std::span<const double> inside(h_.counts.data() + begin, end - begin);
    clipped_.assign(inside.begin(), inside.end());
    const auto occupied = [](double count) { return count > 0; };
    const auto first = std::find_if(clipped_.begin(), clipped_.end(), occupied);
    if (first == clipped_.end()) return no_divergence;
    const auto last = std::find_if(clipped_.rbegin(), clipped_.rend(), occupied);
    for (std::size_t i = 0; i < begin; ++i) *first += h_.counts[i];
    for (std::size_t i = end; i < h_.bins(); ++i) *last += h_.counts[i];
    grid.encode(centers_.data() + begin, static_cast<index_t>(inside.size()), p, fields_.data());
    merge_and_spread(
        inside, [&](std::size_t i) { return fields_[i]; }, spread_);
    return detail::divergence(clipped_, spread_);
  }

 private:
  const histogram& h_;
  std::vector<float> centers_;
  std::vector<std::uint8_t> fields_;
  std::vector<double> clipped_, spread_;
};

}  // namespace detail

/// The interval [-t, t], cut to the values' extent, with the least Kullback-Leibler divergence D(P || Q),
/// after Migacz, 8-bit inference with TensorRT, GTC 2017. P is the histogram within the interval with what
/// lies outside added to its outermost occupied bins; Q is what remains of it (without what lies outside)
/// once only the sums over the bins of each code are known, spread evenly over the occupied bins of that
/// code. Windows that hold nothing, and those no wider than the levels, are not candidates; of equal ones the
/// widest wins.
///
/// The grid's own codes decide which bins merge, so that every grid is served; a one-bit symmetric grid,
/// whose scale is no limit, gets the mean magnitude. Values are counted with their weights.
///
/// `bins` a side; 0 takes 2048, or fewer for groups below 16384 values. At most 256 candidates. Cost: bins
/// times candidates, some milliseconds: meant for tensors, rows and streams rather than for groups of 32.
struct kl_range {
  int bins = 0;

  parameters fit(const detail::group_values& group, const detail::grid_model& grid,
                 const scale_rounding& storage) const {
    const bool weighted = detail::check_weights(group);
    const float absmax = detail::extent_of(group.values).magnitude();
    if (absmax == 0 || is_sign_only(grid)) return mse_range{}.fit(group, grid, storage);
    const auto side = static_cast<std::size_t>(bins > 0 ? bins : automatic_bins(group.values.size(), grid));
    const auto weights = weighted ? group.weights : std::span<const float>();
    const double limit = absmax;
    return fit(detail::count_values(group.values, weights, 2 * side, -limit, limit, false), grid, storage);
  }

  /// The same for a histogram that reaches equally far to both sides of zero.
  parameters fit(const histogram& h, const detail::grid_model& grid, const scale_rounding& storage) const {
    const std::size_t side = h.bins() / 2, stride = std::max<std::size_t>(1, side / 256);
    const std::size_t first = std::max<std::size_t>(1, levels_of(grid) / 2);
    parameters best = detail::parameters_for({h.smallest, h.largest}, grid, storage);
    double least = detail::no_divergence;
    detail::kl_window window(h);
    for (std::size_t i = side; i >= first; i -= stride) {
      const auto limit = static_cast<float>(h.width * static_cast<double>(i));
      const interval inside{std::max(h.smallest, -limit), std::min(h.largest, limit)};
      const parameters p = detail::parameters_for(inside, grid, storage);
      const double found = window.divergence(side - i, side + i, grid, p);
      if (found < least) {
        least = found;
        best = p;
      }
      if (i < first + stride) break;
    }
    return best;
  }

  friend constexpr bool operator==(const kl_range&, const kl_range&) = default;

 private:
  static bool is_sign_only(const detail::grid_model& grid) {
    return grid.integer() != nullptr && grid.integer()->is_sign_only();
  }
  static std::size_t levels_of(const detail::grid_model& grid) { return std::size_t{1} << grid.bits(); }
  static int automatic_bins(std::size_t count, const detail::grid_model& grid) {
    const std::size_t wanted = std::clamp<std::size_t>(count / 8, 4 * levels_of(grid), 2048);
    return static_cast<int>(wanted);
  }
};

}  // namespace bitgauge
