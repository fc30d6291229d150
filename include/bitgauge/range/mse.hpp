#pragma once

/// \file
/// The range that minimises the squared error.

#include <bitgauge/effort.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/search/integer_scale_search.hpp>
#include <bitgauge/range/search/level_scale_search.hpp>
#include <bitgauge/range/search/stored_scale_search.hpp>
#include <bitgauge/scale/codec.hpp>

namespace bitgauge {

/// The scale, and for an affine grid the zero point, of least squared error
///     E(s, z) = sum_i w_i (x_i - s (q_i - z))^2,   q_i the code nearest to x_i / s + z,
/// with w the importance of each value. E is piecewise quadratic in s: for fixed codes its least value is
/// taken in closed form, so that a trial of one scale also yields the best scale for that scale's codes.
///
/// Effort      tries                                          error above the least      MB/s of float
/// fast        8 scales                                       0.4 %  (2-5 bits, < 5 %)   770
/// normal      24 scales, closer ones around the best of them 0.1 %                      570
///             where they lie far apart (groups above 100)
/// best        all that can win: the true minimum             0                          80
/// Measured on symmetric<4> in groups of 32 of Gaussian data, one thread with AVX-512; with an affine grid
/// 500, 300 and 50. At 8 bits in small groups, where luck decides between hundreds of scales, normal stays
/// 3 % and fast 10 % above the least, which costs 10 MB/s to find.
///
/// Scales are those that the storage holds: for f32 the least error rounded, for f16 and bf16 the best of the
/// stored values. Where stored values lie far apart (E8M0, E4M3), all that can win are tried at every effort.
/// A one-bit symmetric grid gets the weighted mean magnitude. Any other grid is searched by its levels, with
/// nearest levels. All weights zero counts as no weights. Throws invalid_scheme for effort::reference: no other
/// system's search is reproduced.
struct mse_range {
  bitgauge::effort effort = bitgauge::effort::normal;

  parameters fit(const group_values& values, const any_grid& grid, const scale_codec& storage) const {
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
        best.offer(sign_sums(group), {});
      } else {
        detail::integer_scale_search(group, *integer, best).run(effort);
        if (!storage.is_exact())
          offer(group, *integer, detail::parameters_for(detail::extent_of(values.values), grid, storage),
                best);
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

  friend constexpr bool operator==(const mse_range&, const mse_range&) = default;

 private:
  /// Considers parameters as they are: the scale wanted for other codes may lie far from any stored one.
  static void offer(const detail::search_group& group, const integer_grid& grid, parameters p,
                    detail::best_scale& best) {
    if (!(p.scale > 0)) return;
    const auto scale = static_cast<double>(p.scale);
    const detail::code_window window{static_cast<double>(grid.lowest - p.zero_point),
                                     static_cast<double>(grid.highest - p.zero_point)};
    detail::trial_batch one;
    one.add(1 / scale, window);
    detail::integer_codes(group).evaluate(one);
    best.offer(one[0].sums, window, scale, scale);
  }

  /// Codes of +-1 do not depend on the scale.
  static detail::code_sums sign_sums(const detail::search_group& group) {
    detail::code_sums sums{0, 0};
    for (index_t i = 0; i < group.count; ++i) {
      sums.linear += numeric::uncontracted(group.weight(i) * std::fabs(static_cast<double>(group.x[i])));
      sums.square += group.weight(i);
    }
    return sums;
  }
};

}  // namespace bitgauge
