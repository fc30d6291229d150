#pragma once

/// \file
/// From the extents or the values of runs to the parameters of their groups, as the storage holds them: the one rule
/// for rows one by one, and for some rows at once by their columns.

#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/fit/group_parameters.hpp>
#include <bitgauge/matrix/fit/row_scratch.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/scale/codec.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cfloat>
#include <span>

namespace bitgauge::detail {

class run_fitter {
 public:
  /// `search`: the range that groups are fitted by one at a time.
  run_fitter(const recipe& answers, const grouping& groups, const scale_storage& scales,
             const any_range& search)
      : answers_(answers),
        search_(search),
        groups_(groups),
        parameters_(scales, *answers.grid, groups.count()),
        extent_(answers.range->as_extent()) {
    const integer_grid* integer = answers.grid->integer();
    sign_only_ = integer != nullptr && integer->is_sign_only();
    if (sign_only_) extent_ = nullptr;
  }

  const grouping& groups() const noexcept { return groups_; }
  group_parameters& found() noexcept { return parameters_; }
  const group_parameters& found() const noexcept { return parameters_; }
  /// The range where the extents of a group are all that it is fitted by, else null.
  const extent_model* extent() const noexcept { return extent_; }
  /// True where codes are signs alone.
  bool is_sign_only() const noexcept { return sign_only_; }

  parameters fit(std::span<const float> values, std::span<const float> weights, index_t group) const {
    return search_.fit({values, weights, group}, *answers_.grid, parameters_.rounding_of(group));
  }
  std::span<const float> weights_of(index_t row, index_t col, index_t count) const {
    const std::span<const float> all = answers_.column_weights.of_row(row, groups_.rows());
    return all.empty() ? all : all.subspan(static_cast<std::size_t>(col), static_cast<std::size_t>(count));
  }

  /// Fits some runs, from run `first` on, of the rows from `row` on. `x`, where those of one row begin, is read by
  /// ranges that are no extents.
  void fit_runs(index_t row, index_t first, const float* x, const run_span& s) {
    const group_order groups{groups_.group_of_run(row, first), groups_.runs_per_row(), s.per_row};
    if (fit_levels_from_extents(groups, s) || fit_integers_from_extents(groups, s)) return;
    const index_t run = groups_.run();
    for (index_t i = 0; i < s.count(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const index_t begin = (first + i) * run, count = std::min(run, groups_.cols() - begin);
      const index_t group = groups.of(i);
      const parameters p = extent_ != nullptr ? parameters_for(extent_->widen({s.low[at], s.high[at]}),
                                                               *answers_.grid, parameters_.rounding_of(group))
                                              : fit({x + i * run, static_cast<std::size_t>(count)},
                                                    weights_of(row, begin, count), group);
      parameters_.store(group, p);
      s.set(at, p);
    }
  }

 private:
  /// The groups of a run_span.
  struct group_order {
    index_t first, in_row, per_row;
    index_t of(index_t i) const noexcept { return first + i / per_row * in_row + i % per_row; }
  };

  /// Rounds scales to what is stored, and inverts them.
  void round_and_invert(const group_order& groups, const run_span& s) {
    for (index_t i = 0; i < s.count(); i += s.per_row)
      parameters_.round_and_set(
          groups.of(i), s.scale.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(s.per_row)));
    simd::row_kernels().inverses(s.scale.data(), s.count(), s.inverse.data());
  }

  /// Min-max on any other grid, which has no zero points, all runs at once. False, and nothing done, where values come
  /// near the end of binary32.
  bool fit_levels_from_extents(const group_order& groups, const run_span& s) {
    if (extent_ == nullptr || answers_.grid->integer() != nullptr) return false;
    for (std::size_t i = 0; i < s.low.size(); ++i)
      if (interval{s.low[i], s.high[i]}.magnitude() >= near_overflow) return false;
    for (std::size_t i = 0; extent_->is_symmetric() && i < s.low.size(); ++i) {
      const interval wide = extent_->widen({s.low[i], s.high[i]});
      s.low[i] = wide.low;
      s.high[i] = wide.high;
    }
    answers_.grid->scales_for(s.low.data(), s.high.data(), s.count(), s.scale.data());
    round_and_invert(groups, s);
    std::fill(s.zero_point.begin(), s.zero_point.end(), 0);
    return true;
  }

  /// Min-max on an integer grid, all runs at once: the same as parameters_for run by run. False, and nothing done,
  /// where scales have a second level or come near the end of binary32.
  bool fit_integers_from_extents(const group_order& groups, const run_span& s) {
    const integer_grid* integer = answers_.grid->integer();
    if (extent_ == nullptr || integer == nullptr || is_nested(parameters_.scales().type())) return false;
    if (integer->has_zero_point && extent_->is_symmetric()) return false;
    const float largest =
        simd::row_kernels().scales(s.low.data(), s.high.data(), s.count(), !integer->has_zero_point,
                                   integer->steps, integer->smallest_scale, s.scale.data());
    if (!(largest <= FLT_MAX / 512)) return false;
    round_and_invert(groups, s);
    if (!integer->has_zero_point) {
      std::fill(s.zero_point.begin(), s.zero_point.end(), integer->center);
      return true;
    }
    simd::row_kernels().zero_points(s.low.data(), s.scale.data(), s.count(), integer->lowest,
                                    integer->highest, integer->steady_ties, s.zero_point.data());
    for (index_t i = 0; i < s.count(); i += s.per_row)
      parameters_.set_zero_points(groups.of(i), s.zero_point.subspan(static_cast<std::size_t>(i),
                                                                     static_cast<std::size_t>(s.per_row)));
    return true;
  }

  const recipe& answers_;
  const any_range& search_;
  grouping groups_;
  group_parameters parameters_;
  const extent_model* extent_;
  bool sign_only_ = false;
};

}  // namespace bitgauge::detail
