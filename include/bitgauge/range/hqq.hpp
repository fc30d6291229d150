#pragma once

/// \file
/// HQQ as a range: parameters of any grid by half-quadratic minimisation.

#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/range/search/half_quadratic.hpp>
#include <bitgauge/scale/codec.hpp>

#include <array>
#include <cmath>
#include <vector>

namespace bitgauge {

/// Parameters that lower sum |w - r|^norm, norm < 1, which forgives outliers: scale and, on an affine grid,
/// the integer zero point. From min-max, each step shrinks the residuals as hqq_search does and refits the
/// scale to what is left,
///
///     scale = sum (w - e) d / sum d^2,  d = level(code) - zero_point
///
/// with codes as the library will choose them and scales as stored. Zero points tried: min-max's and the two
/// integers around HQQ's own. The best of all steps is kept, so that the error is never above min-max's.
/// Importance weighs the sums. Needs no calibration data. Cost: at most 3 * iterations passes over a group.
struct hqq_range {
  hqq_search search{};

  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const {
    const interval extent = detail::extent_of(group.values);
    const parameters start = detail::parameters_for(extent, grid, storage);
    candidate best{start, HUGE_VAL};
    if (!(start.scale > 0)) return start;
    improve(group, grid, storage, start, best);
    if (grid.has_zero_point()) {
      const integer_grid& integer = *grid.integer();
      const float zero = own_zero(group, extent, static_cast<float>(integer.highest - integer.lowest));
      for (const float rounded : {std::floor(zero), std::ceil(zero)}) {
        const int zero_point =
            std::clamp(integer.lowest + static_cast<int>(rounded), integer.lowest, integer.highest);
        if (zero_point != start.zero_point) improve(group, grid, storage, {start.scale, zero_point}, best);
      }
    }
    return best.found;
  }

 private:
  struct candidate {
    parameters found;
    double error;
  };

  /// The zero that HQQ itself ends with for this group, counted from code 0.
  float own_zero(const group_values& group, interval extent, float highest) const {
    std::vector<detail::hqq_group> one{detail::hqq_group::from_extent(extent.low, extent.high, highest)};
    detail::hqq_run(search, one, 1, [&](index_t, double beta) {
      return detail::hqq_step(group.values.data(), std::ssize(group.values), 1,
                              static_cast<double>(search.norm), beta, one.front());
    });
    return std::clamp(one.front().zero, -1.0f, highest + 1);
  }

  void improve(const group_values& group, const any_grid& grid, const scale_codec& storage, parameters p,
               candidate& best) const {
    std::vector<std::uint8_t> fields(group.values.size());
    const auto norm = static_cast<double>(search.norm);
    auto beta = static_cast<double>(search.beta);
    double last_error = HUGE_VAL;
    for (int i = 0; i < search.iterations; ++i, beta *= static_cast<double>(search.growth)) {
      grid.encode(group.values.data(), std::ssize(group.values), p, fields.data());
      double error = 0, linear = 0, square = 0;
      for (std::size_t j = 0; j < fields.size(); ++j) {
        const float d = grid.level(fields[j]) - static_cast<float>(p.zero_point), w = group.values[j];
        const float residual = w - numeric::uncontracted(p.scale * d);
        const double weight = group.weights.empty() ? 1.0 : static_cast<double>(group.weights[j]);
        const auto magnitude = std::fabs(static_cast<double>(residual));
        if (magnitude > 1e-30)
          error += numeric::uncontracted(weight * numeric::portable_power(magnitude, norm));
        const auto kept = static_cast<double>(w) -
                          static_cast<double>(detail::shrink(residual, norm, static_cast<float>(beta)));
        const auto wide = static_cast<double>(d);
        linear += numeric::uncontracted(weight * kept * wide);
        square += numeric::uncontracted(weight * wide * wide);
      }
      if (error < best.error) best = {p, error};
      if (!(error < last_error) || !(linear > 0)) return;
      last_error = error;
      p.scale = storage.nearest(static_cast<float>(linear / square));
    }
  }
};

}  // namespace bitgauge
