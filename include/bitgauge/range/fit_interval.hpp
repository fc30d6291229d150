#pragma once

/// \file
/// From the range of a group's values to its parameters: the scale as it is stored, and the zero point.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cfloat>

namespace bitgauge::detail {

/// Values of at least this magnitude have codes beside them that may be infinite: a stored scale is at most
/// twice what the values ask for, and the outermost code at most twice the largest value.
inline constexpr float near_overflow = FLT_MAX / 8;

/// The largest stored scale at which every code is finite. `reach` > 0 is the outermost code.
inline float largest_finite_scale(double reach, const scale_codec& storage) {
  return storage.around(std::min<double>(FLT_MAX, static_cast<double>(FLT_MAX) / reach)).below;
}

/// Raises data_error where the codes of a stored scale are infinite: codes of scales can stand for none that
/// is small enough.
[[gnu::cold]] inline void require_finite_codes(float scale, double reach) {
  if (static_cast<double>(scale) * reach > static_cast<double>(FLT_MAX))
    raise_message<data_error>(
        {"scale ", shortest_text(scale),
         ": expected one whose codes are finite, found none among those that can be stored: store "
         "scales as f32"});
}

/// Next to the end of binary32, FLT_MAX / 127 * 127 and the code half a step beyond a range can be infinite:
/// takes the largest scale at which every code is finite. Throws data_error where none is stored.
[[gnu::cold]] inline parameters kept_finite(parameters p, interval range, const any_grid& grid,
                                            const scale_codec& storage) {
  for (;;) {
    const double reach = grid.reach(p.zero_point);
    if (static_cast<double>(p.scale) * reach <= static_cast<double>(FLT_MAX)) return p;
    const float smaller = largest_finite_scale(reach, storage);
    if (!(smaller < p.scale)) require_finite_codes(p.scale, reach);
    p.scale = smaller;
    p.zero_point = grid.zero_point_for(range, p.scale);
  }
}

/// The stored scale of a grid whose codes are -scale and +scale alone: 0 where the smallest stored scale is
/// more than twice as large as wanted, as zeros are nearer then. Throws data_error where no scale near 0 is
/// stored.
inline float sign_scale(float wanted, const scale_codec& storage) {
  const float scale = storage.nearest(wanted);
  if (!(scale / 2 > wanted)) return scale;
  const float zero = storage.nearest(0);
  if (zero >= FLT_MIN)
    raise_message<data_error>({"scale ", shortest_text(wanted),
                               " of codes of one bit: expected one stored at most twice as large, found ",
                               shortest_text(zero), ": store scales as f32"});
  return zero;
}

/// The parameters that make `grid` cover `range` with a scale that its storage can hold: the scale is rounded
/// first and the zero point follows it. Throws data_error where the storage has no such scale.
inline parameters parameters_for(interval range, const any_grid& grid, const scale_codec& storage) {
  const float wanted = grid.scale_for(range);
  const bool is_sign_only = grid.integer() != nullptr && grid.integer()->is_sign_only();
  const float scale = is_sign_only ? sign_scale(wanted, storage) : storage.nearest(wanted);
  const parameters p{scale, grid.zero_point_for(range, scale)};
  return range.magnitude() >= near_overflow ? kept_finite(p, range, grid, storage) : p;
}

}  // namespace bitgauge::detail
