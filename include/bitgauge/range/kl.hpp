#pragma once

/// \file
/// The range that keeps most of the distribution's information.

#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/observer/histogram.hpp>
#include <bitgauge/range/observer/quantized_histogram.hpp>
#include <bitgauge/scale/codec.hpp>

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

}  // namespace detail

/// The interval [-t, t], cut to the values' extent, that keeps most of what the values say of their
/// distribution: the least Kullback-Leibler divergence D(P || Q) between the values' histogram P and what is
/// left of it after quantizing, Q; after Migacz, 8-bit inference with TensorRT, GTC 2017.
///
/// Migacz adds what lies outside of [-t, t] to the outermost bin of P, but not of Q. In a window of few
/// occupied bins nearly all of P then lies on its edge, where any Q equals it: the divergence vanishes
/// exactly where everything is lost. Here P stays whole and Q is the real redistribution of it. With c_i the
/// counts of N values in B occupied bins, k(i) the code of bin i, C_k the counts of all bins of code k, those
/// that are clipped to it included, and b_k the number of its bins within the limit,
///
///     q_i = (1 - e) C_k(i) / (N b_k(i)) + e / B  within the limit,    e / B  beyond it,    e = 2^-10,
///     D   = sum_i c_i/N log(c_i/N) - sum_k I_k/N log(q_k) - O/N log(e / B),
///
/// where I_k are the counts of code k within the limit and O those beyond it. The first sum does not depend
/// on the limit. The second is what merging bins costs: for a smooth density f and a step s it grows as s^2 /
/// 24 * integral of f'^2 / f, which asks for a small limit; the third is what clipping costs and asks for a
/// large one. P and Q are distributions over the same bins, so that D >= 0, and a window that drops the bulk
/// costs about log(1 / e). Values rarer than e together cost next to nothing: these are the outliers that
/// this range cuts off.
///
/// What is no candidate:
/// - a limit beyond which lie more than a half of the values, and one narrower than the levels;
/// - one whose squared error is more than 2^((bits - 4) / 4) times that of min-max: 1 up to 4 bits, 2 at 8.
///
/// The divergence does not see how far a value is moved; the squared error does. Of values at hand it is
/// measured, so that the bound holds for them; of a histogram it is estimated from the bins, to their least
/// and most where bins stand alone. Hence tensors of few values, constants and lattices get their extent.
/// Of equal divergences (to 2^-40 nats) the widest limit wins. min-max is always a candidate.
///
/// The grid's own codes decide which bins merge, so that every grid is served; a one-bit symmetric grid,
/// whose scale is no limit, gets the mean magnitude. Values are counted with their weights; those of weight 0
/// do not count. Mirrored values get the mirrored interval, values times 2^k 2^k times the interval.
///
/// `bins` a side; 0 takes 2048, or fewer for groups below 16384 values. At most 256 candidates. Cost:
/// occupied bins times candidates, some milliseconds for a tensor, and two passes over the values.
struct kl_range {
  int bins = 0;

  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const {
    const auto weights = detail::check_weights(group) ? group.weights : std::span<const float>();
    const interval extent = counted_extent(group.values, weights);
    if (extent.magnitude() == 0 || is_sign_only(grid)) return mse_range{}.fit(group, grid, storage);
    const auto side = static_cast<std::size_t>(bins > 0 ? bins : automatic_bins(group.values.size(), grid));
    const parameters all = detail::parameters_for(extent, grid, storage);
    const double allowed = error_ratio(grid.bits()) * detail::squared_error(group.values, weights, grid, all);
    int measured = 0;
    for (const candidate& c :
         candidates(detail::count_magnitudes(group.values, weights, side, extent), grid, storage)) {
      if (c.p == all || ++measured > 8) break;
      if (detail::squared_error(group.values, weights, grid, c.p) <= allowed) return c.p;
    }
    return all;
  }

  /// The same for a histogram, of which smallest and largest must be those of the values.
  parameters fit(const histogram& h, const any_grid& grid, const scale_codec& storage) const {
    return candidates(h, grid, storage).front().p;
  }

  friend constexpr bool operator==(const kl_range&, const kl_range&) = default;

 private:
  struct candidate {
    parameters p;
    double divergence;
  };

  /// How much more than min-max a candidate may err: 1 up to 4 bits, 2 at 8.
  static double error_ratio(int bits) { return std::exp2(std::max(bits - 4, 0) / 4.0); }

  /// The candidates in the order of their divergence.
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

}  // namespace bitgauge
