#pragma once

/// \file
/// What mse.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/search/integer_scale_search.hpp>
#include <bitgauge/range/search/level_scale_search.hpp>
#include <bitgauge/range/search/stored_scale_search.hpp>
#include <bitgauge/scale/codec.hpp>

#include <cmath>

namespace bitgauge {
namespace detail {

/// Considers parameters as they are: the scale wanted for other codes may lie far from any stored one.
inline void offer_parameters(const search_group& group, const integer_grid& grid, parameters p,
                             best_scale& best) {
  if (!(p.scale > 0)) return;
  const auto scale = static_cast<double>(p.scale);
  const code_window window{static_cast<double>(grid.lowest - p.zero_point),
                           static_cast<double>(grid.highest - p.zero_point)};
  trial_batch one;
  one.add(1 / scale, window);
  integer_codes(group).evaluate(one);
  best.offer(one[0].sums, window, scale, scale);
}

/// Codes of +-1 do not depend on the scale.
inline code_sums sign_sums(const search_group& group) {
  code_sums sums{0, 0};
  for (index_t i = 0; i < group.count; ++i) {
    sums.linear += numeric::uncontracted(group.weight(i) * std::fabs(static_cast<double>(group.x[i])));
    sums.square += group.weight(i);
  }
  return sums;
}

}  // namespace detail

BITGAUGE_DEFINE parameters mse_range::fit(const group_values& values, const any_grid& grid,
                                          const scale_codec& storage) const {
  if (effort == bitgauge::effort::reference)
    raise(invalid_scheme(
        "mse_range: expected effort fast, normal or best, found reference: no other system's search is "
        "reproduced"));
  const detail::search_group group = detail::examine_group(values);
  const integer_grid* integer = grid.integer();
  if (group.energy > 0 && !storage.is_exact() && !grid.has_zero_point() &&
      !(integer != nullptr && integer->is_sign_only())) {
    const parameters start = detail::parameters_for(detail::extent_of(values.values), grid, storage);
    if (start.scale > 0 && detail::is_coarse(storage, start.scale))
      return {detail::best_stored_scale(group, grid, storage, start.scale), start.zero_point};
  }
  detail::best_scale best(group, grid, storage);
  if (group.energy > 0) {
    if (integer == nullptr) {
      detail::level_scale_search(group, grid, best).run(effort);
    } else if (integer->is_sign_only()) {
      best.offer(detail::sign_sums(group), {});
    } else {
      detail::integer_scale_search(group, *integer, best).run(effort);
      if (!storage.is_exact())
        detail::offer_parameters(
            group, *integer, detail::parameters_for(detail::extent_of(values.values), grid, storage), best);
    }
  }
  if (!best.found()) return detail::parameters_for({0, 0}, grid, storage);
  // where the storage has no scale as small as wanted: zeros are nearer than one bit, and min-max never
  // errs more than zeros do on a grid that has a zero
  if (best.error() > group.energy && (integer != nullptr || grid.levels().zero_reach() > 0)) {
    const bool is_sign_only = integer != nullptr && integer->is_sign_only();
    return detail::parameters_for(is_sign_only ? interval{} : detail::extent_of(values.values), grid,
                                  storage);
  }
  const bool affine = integer != nullptr && integer->has_zero_point;
  return {best.scale(),
          affine ? integer->lowest - static_cast<int>(best.window().low) : grid.constant_zero_point()};
}

}  // namespace bitgauge
