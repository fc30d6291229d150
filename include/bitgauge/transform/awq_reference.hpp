#pragma once

/// \file
/// The range of AWQ's own program.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge {

/// The parameters of pseudo_quantize_tensor in mit-han-lab/llm-awq, quantizer.py. Of an affine grid
///     scale = max(max - min, 1e-5) / (2^b - 1),  zero point = clamp(lowest - rint(min / scale), lowest, highest),
/// where, unlike with minmax_range, [min, max] is not widened to hold 0: a group of 5 .. 6 gets the scale of
/// 0 .. 1 and, its zero point clamped, is cut off at 1. Of any other grid the scale that covers
/// [-a, a], a = max(|x|, 1e-5). For comparisons with that program.
///
///     quantize(W, affine<4>{}, per_group{128}, awq_reference_range{});
struct awq_reference_range {
  static constexpr bool uses_importance = false;

  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const {
    constexpr float least = 1e-5f;
    const auto [min, max] = std::minmax_element(group.values.begin(), group.values.end());
    const interval extent{*min, *max};
    const bool is_huge = extent.magnitude() >= detail::near_overflow;
    if (!grid.has_zero_point() || is_huge)
      return detail::parameters_for(
          is_huge ? detail::including_zero(extent)
                  : detail::symmetric_interval(std::max({std::fabs(*min), std::fabs(*max), least})),
          grid, storage);
    const integer_grid& integer = *grid.integer();
    const float scale = storage.nearest(std::max(*max - *min, least) / integer.steps);
    if (!(scale > 0)) return {scale, integer.zero_point_for(extent, scale)};
    const float below = std::nearbyint(std::clamp(*min / scale, -1024.0f, 1024.0f));
    return {scale, std::clamp(integer.lowest - static_cast<int>(below), integer.lowest, integer.highest)};
  }
};

}  // namespace bitgauge
