#pragma once

/// \file
/// What kl.hpp declares.

#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/observer/quantized_histogram.hpp>
#include <bitgauge/range/search/group.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace bitgauge {
namespace detail {

/// Counts values by their magnitude in bins of |x| = limit / side on both sides of zero, so that -values have
/// the mirror image. Zeros are left out: see quantized_histogram.
inline histogram count_magnitudes(std::span<const float> values, std::span<const float> weights,
                                  std::size_t side, interval extent) {
  const double width = static_cast<double>(extent.magnitude()) / static_cast<double>(side);
  histogram h{-static_cast<double>(extent.magnitude()), width, std::vector<double>(2 * side), extent.low,
              extent.high};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
    if (values[i] == 0 || !(weight > 0)) continue;
    const double bin = std::fabs(static_cast<double>(values[i])) / width;
    const std::size_t from_zero = std::min(static_cast<std::size_t>(bin), side - 1);
    h.counts[values[i] < 0 ? side - 1 - from_zero : side + from_zero] += weight;
  }
  return h;
}

/// sum w (x - real(x))^2 of nearest codes, with the numbers that are restored.
inline double squared_error(std::span<const float> values, std::span<const float> weights,
                            const any_grid& grid, parameters p) {
  std::array<float, 256> restored{};
  for (int field = 0; field < 1 << grid.bits(); ++field)
    restored[static_cast<std::size_t>(field)] =
        p.scale * (grid.level(field) - static_cast<float>(p.zero_point));
  std::array<std::uint8_t, 256> fields;
  double sum = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += fields.size()) {
    const std::size_t count = std::min(fields.size(), values.size() - begin);
    grid.encode(values.data() + begin, static_cast<index_t>(count), p, fields.data());
    for (std::size_t i = 0; i < count; ++i) {
      const double distance =
          static_cast<double>(values[begin + i]) - static_cast<double>(restored[fields[i]]);
      const double square = numeric::uncontracted(distance * distance);
      sum +=
          weights.empty() ? square : numeric::uncontracted(square * static_cast<double>(weights[begin + i]));
    }
  }
  return sum;
}

/// The candidates of kl_range.
struct kl_search {
  struct candidate {
    parameters p;
    double divergence;
  };

  /// How much more than min-max a candidate may err: 1 up to 4 bits, 2 at 8.
  static double error_ratio(int bits) { return std::exp2(std::max(bits - 4, 0) / 4.0); }

  /// The candidates in the order of their divergence. A template, so that only who asks for them compiles it.
  template <int = 0>
  static std::vector<candidate> candidates(const histogram& h, const any_grid& grid,
                                           const scale_codec& storage) {
    const interval extent = detail::including_zero({h.smallest, h.largest});
    std::vector<candidate> found{{detail::parameters_for(extent, grid, storage), detail::no_divergence}};
    if (!(h.width > 0) || is_sign_only(grid)) return found;
    detail::quantized_histogram quantized(h);
    const double absmax = static_cast<double>(extent.magnitude());
    quantized.quantize(grid, found.front().p);
    found.front().divergence = quantized.divergence(absmax);
    const double allowed = error_ratio(grid.bits()) * quantized.squared_error().least;
    const auto side = static_cast<std::size_t>(std::ceil(absmax / h.width));
    const std::size_t stride = std::max<std::size_t>(1, side / 256);
    const std::size_t first = std::max<std::size_t>(1, levels_of(grid) / 2);
    for (std::size_t i = side; i >= first + stride;) {
      i -= stride;
      const double limit = h.width * static_cast<double>(i);
      const parameters p = detail::parameters_for(within(extent, static_cast<float>(limit)), grid, storage);
      quantized.quantize(grid, p);
      if (!(quantized.squared_error().most <= allowed)) continue;
      const double divergence = quantized.divergence(limit);
      if (divergence < detail::no_divergence) found.push_back({p, divergence});
    }
    std::stable_sort(found.begin(), found.end(), [](const candidate& a, const candidate& b) {
      return rounded(a.divergence) < rounded(b.divergence);
    });
    return found;
  }
  static interval within(interval extent, float limit) {
    return {std::max(extent.low, -limit), std::min(extent.high, limit)};
  }
  static double rounded(double divergence) { return std::nearbyint(divergence * 0x1p40); }

  static interval counted_extent(std::span<const float> values, std::span<const float> weights) {
    if (weights.empty()) return detail::extent_of(values);
    interval extent;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (weights[i] > 0) extent = {std::min(extent.low, values[i]), std::max(extent.high, values[i])};
    return extent;
  }
  static bool is_sign_only(const any_grid& grid) {
    return grid.integer() != nullptr && grid.integer()->is_sign_only();
  }
  static std::size_t levels_of(const any_grid& grid) { return std::size_t{1} << grid.bits(); }
  static int automatic_bins(std::size_t count, const any_grid& grid) {
    const std::size_t wanted = std::clamp<std::size_t>(count / 8, 4 * levels_of(grid), 2048);
    return static_cast<int>(wanted);
  }
};

}  // namespace detail

BITGAUGE_DEFINE parameters kl_range::fit(const group_values& group, const any_grid& grid,
                                         const scale_codec& storage) const {
  const auto weights = detail::check_weights(group) ? group.weights : std::span<const float>();
  const interval extent = detail::kl_search::counted_extent(group.values, weights);
  if (extent.magnitude() == 0 || detail::kl_search::is_sign_only(grid))
    return mse_range{}.fit(group, grid, storage);
  const auto side = static_cast<std::size_t>(
      bins > 0 ? bins : detail::kl_search::automatic_bins(group.values.size(), grid));
  const parameters all = detail::parameters_for(extent, grid, storage);
  const double allowed =
      detail::kl_search::error_ratio(grid.bits()) * detail::squared_error(group.values, weights, grid, all);
  int measured = 0;
  for (const detail::kl_search::candidate& c : detail::kl_search::candidates(
           detail::count_magnitudes(group.values, weights, side, extent), grid, storage)) {
    if (c.p == all || ++measured > 8) break;
    if (detail::squared_error(group.values, weights, grid, c.p) <= allowed) return c.p;
  }
  return all;
}

BITGAUGE_DEFINE parameters kl_range::fit(const histogram& h, const any_grid& grid,
                                         const scale_codec& storage) const {
  return detail::kl_search::candidates(h, grid, storage).front().p;
}

}  // namespace bitgauge
