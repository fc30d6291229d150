#pragma once

/// \file
/// The parameters of every group: by the range, from the values, as the storage holds them. Groups within a
/// row are fitted one row at a time, in any order of the rows; groups that span rows in passes of their own.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/matrix/answers/nonfinite.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/fit/group_parameters.hpp>
#include <bitgauge/matrix/fit/row_scratch.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cfloat>
#include <span>
#include <vector>

namespace bitgauge::detail {

class group_fitter {
 public:
  group_fitter(const row_source& source, const recipe& answers, bool is_column_vector)
      : group_fitter(source, answers, is_column_vector, answers.scales, *answers.range, nullptr) {
    check_importance(answers.column_weights, groups_.rows(), groups_.cols());
  }

  /// What has been found. Its scales may be taken once, in the end.
  group_parameters& found() noexcept { return parameters_; }
  const grouping& groups() const noexcept { return groups_; }

  /// Finds the second level of nested scales, and fits the groups that span rows.
  void start() {
    if (is_nested(parameters_.scales().type())) answers_.prepare_scales(*this);
    fit_spanning();
  }

  /// Calls body(first, count) for every panel of the rows begin .. end - 1, from several threads.
  template <class Body>
  void for_each_panel(index_t begin, index_t end, const Body& body) {
    const index_t height = source_.panel_height();
    parallel_for((end - begin + height - 1) / height, answers_.options.threads, [&](index_t p) {
      const index_t first = begin + p * height, count = std::min(height, end - first);
      monitor_->check();
      body(first, count);
      monitor_->advance(count * groups_.cols());
    });
  }

  finite_row finite(const float* x, index_t count, index_t run, index_t row, index_t col,
                    row_scratch& s) const {
    return sanitize_row(x, count, run, {row, col, is_column_vector_}, answers_.options.on_nonfinite, s);
  }

  /// Makes room for the runs of a row; where groups span rows, their parameters are put there at once.
  void ready(row_scratch& s) const {
    const auto runs = static_cast<std::size_t>(groups_.runs_per_row());
    s.scale.resize(runs);
    s.inverse.resize(runs);
    s.zero_point.resize(runs);
    if (groups_.within_rows()) return;
    for (std::size_t i = 0; i < runs; ++i)
      s.set(i, parameters_.stored(groups_.group_of_run(0, static_cast<index_t>(i))));
  }

  /// Fits the groups of a row of finite values, whose extents are in `s`, and leaves their parameters there.
  void fit_row(index_t row, const float* x, row_scratch& s) {
    if (fit_levels_from_extents(row, s) || fit_row_from_extents(row, s)) return;
    const index_t run = groups_.run();
    for (index_t i = 0; i < groups_.runs_per_row(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const index_t count = std::min(run, groups_.cols() - i * run), group = groups_.group_of_run(row, i);
      const parameters p = extent_ != nullptr ? parameters_for(extent_->widen({s.low[at], s.high[at]}),
                                                               *answers_.grid, parameters_.rounding_of(group))
                                              : fit({x + i * run, static_cast<std::size_t>(count)},
                                                    weights_of(row, i * run, count), group);
      parameters_.store(group, p);
      s.set(at, p);
    }
  }

  /// What recipe::fit_spanning points to; a template, as is the next one, so that only who needs it compiles it.
  template <int = 0>
  void fit_spanning_groups() {
    groups_.granularity().what == granularity::kind::tensor ? fit_tensor() : fit_columns();
  }

  /// Fits all groups once without storing their scales, to find the second level that suits them.
  template <int = 0>
  void prepare_nested_scales() {
    // E4M3's one factor follows from the largest scale, which needs no search
    const widest_range widest;
    const any_range& search = answers_.scales.block == 0 ? static_cast<const any_range&>(widest) : search_;
    group_fitter first(source_, answers_, is_column_vector_, f32_scales, search, monitor_);
    first.fit_spanning();
    if (groups_.within_rows()) first.fit_rows();
    std::vector<float> wanted(static_cast<std::size_t>(groups_.count()));
    first.parameters_.scales().read_into(0, groups_.count(), wanted.data());
    parameters_.prepare(wanted);
  }

 private:
  /// `search`: the range that groups are fitted by one at a time. `monitor`: one's own where null.
  group_fitter(const row_source& source, const recipe& answers, bool is_column_vector,
               const scale_storage& scales, const any_range& search, work_monitor* monitor)
      : source_(source),
        answers_(answers),
        search_(search),
        is_column_vector_(is_column_vector),
        groups_(answers.groups, source.rows(), source.cols()),
        parameters_(scales, *answers.grid, groups_.count()),
        own_monitor_(answers.options, source.rows() * source.cols(),
                     1 + (groups_.within_rows() ? 0 : 1) + (is_nested(answers.scales.type) ? 1 : 0)),
        monitor_(monitor != nullptr ? monitor : &own_monitor_),
        extent_(answers.range->as_extent()) {
    const integer_grid* integer = answers.grid->integer();
    sign_only_ = integer != nullptr && integer->is_sign_only();
    if (sign_only_) extent_ = nullptr;
  }

  parameters fit(std::span<const float> values, std::span<const float> weights, index_t group) const {
    return search_.fit({values, weights, group}, *answers_.grid, parameters_.rounding_of(group));
  }
  std::span<const float> weights_of(index_t row, index_t col, index_t count) const {
    const std::span<const float> all = answers_.column_weights.of_row(row, groups_.rows());
    return all.empty() ? all : all.subspan(static_cast<std::size_t>(col), static_cast<std::size_t>(count));
  }

  /// Min-max on any other grid, which has no zero points, all runs of a row at once. False, and nothing done,
  /// where values come near the end of binary32.
  bool fit_levels_from_extents(index_t row, row_scratch& s) {
    if (extent_ == nullptr || answers_.grid->integer() != nullptr) return false;
    for (std::size_t i = 0; i < s.low.size(); ++i)
      if (interval{s.low[i], s.high[i]}.magnitude() >= near_overflow) return false;
    const index_t runs = groups_.runs_per_row(), first = groups_.group_of_run(row, 0);
    for (std::size_t i = 0; extent_->is_symmetric() && i < s.low.size(); ++i) {
      const interval wide = extent_->widen({s.low[i], s.high[i]});
      s.low[i] = wide.low;
      s.high[i] = wide.high;
    }
    answers_.grid->scales_for(s.low.data(), s.high.data(), runs, s.scale.data());
    parameters_.round_and_set(first, s.scale);
    simd::row_kernels().inverses(s.scale.data(), runs, s.inverse.data());
    std::fill(s.zero_point.begin(), s.zero_point.end(), 0);
    return true;
  }

  /// Min-max on an integer grid, all runs of a row at once: the same as parameters_for run by run. False, and
  /// nothing done, where scales have a second level or come near the end of binary32.
  bool fit_row_from_extents(index_t row, row_scratch& s) {
    const integer_grid* integer = answers_.grid->integer();
    if (extent_ == nullptr || integer == nullptr || is_nested(parameters_.scales().type())) return false;
    if (integer->has_zero_point && extent_->is_symmetric()) return false;
    const simd::row_operations& simd = simd::row_kernels();
    const index_t runs = groups_.runs_per_row(), first = groups_.group_of_run(row, 0);
    const float largest = simd.scales(s.low.data(), s.high.data(), runs, !integer->has_zero_point,
                                      integer->steps, integer->smallest_scale, s.scale.data());
    if (!(largest <= FLT_MAX / 512)) return false;
    parameters_.round_and_set(first, s.scale);
    simd.inverses(s.scale.data(), runs, s.inverse.data());
    if (!integer->has_zero_point) {
      std::fill(s.zero_point.begin(), s.zero_point.end(), integer->center);
      return true;
    }
    for (index_t i = 0; i < runs; ++i) {
      const auto at = static_cast<std::size_t>(i);
      s.zero_point[at] = integer->zero_point_for({s.low[at], s.high[at]}, s.scale[at]);
      parameters_.set_zero_point(first + i, s.zero_point[at]);
    }
    return true;
  }

  /// Groups that span rows are fitted before any row is encoded.
  void fit_spanning() {
    if (!groups_.within_rows()) answers_.fit_spanning(*this);
  }

  template <int = 0>
  void fit_rows() {
    for_each_panel(0, groups_.rows(), [&](index_t first, index_t count) {
      row_scratch s;
      ready(s);
      const auto panel = source_.read(first, count, s.panel);
      for (index_t r = 0; r < count; ++r)
        fit_row(first + r, finite(panel.row(r), groups_.cols(), groups_.run(), first + r, 0, s).for_range, s);
    });
  }

  /// One group for all: extents and magnitudes are merged row by row; a searching range gets all values at
  /// once.
  template <int = 0>
  void fit_tensor() {
    const index_t rows = groups_.rows(), cols = groups_.cols();
    const auto height = static_cast<std::size_t>(rows);
    std::vector<interval> extents(height);
    std::vector<double> sums(height);
    std::vector<char> clean(height);
    for_each_panel(0, groups_.rows(), [&](index_t first, index_t count) {
      row_scratch s;
      const auto panel = source_.read(first, count, s.panel);
      for (index_t r = 0; r < count; ++r) {
        const finite_row x = finite(panel.row(r), cols, cols, first + r, 0, s);
        const auto at = static_cast<std::size_t>(first + r);
        extents[at] = {s.low[0], s.high[0]};
        clean[at] = x.for_range == panel.row(r);
        if (sign_only_) sums[at] = magnitude_sum({x.for_range, static_cast<std::size_t>(cols)});
      }
    });
    if (answers_.range->as_extent() != nullptr) return parameters_.store(0, merged(extents, sums));
    const bool in_place =
        source_.contiguous() != nullptr && std::find(clean.begin(), clean.end(), 0) == clean.end();
    const std::vector<float> copy = in_place ? std::vector<float>{} : gathered();
    std::vector<float> weights;
    for (index_t r = 0; r < rows; ++r) {
      const std::span<const float> row = answers_.column_weights.of_row(r, rows);
      weights.insert(weights.end(), row.begin(), row.end());
    }
    parameters_.store(
        0, fit({in_place ? source_.contiguous() : copy.data(), static_cast<std::size_t>(rows * cols)},
               weights, 0));
  }

  parameters merged(const std::vector<interval>& extents, const std::vector<double>& sums) const {
    if (sign_only_) {
      double mean = 0;
      for (const double s : sums) mean += s;
      mean /= static_cast<double>(source_.rows() * source_.cols());
      return parameters_for(symmetric_interval(static_cast<float>(mean)), *answers_.grid,
                            parameters_.rounding_of(0));
    }
    interval all;
    for (const interval& e : extents) all = {std::min(all.low, e.low), std::max(all.high, e.high)};
    return parameters_for(extent_->widen(all), *answers_.grid, parameters_.rounding_of(0));
  }

  /// All values, row after row, as ranges see them.
  std::vector<float> gathered() const {
    std::vector<float> all;
    all.reserve(static_cast<std::size_t>(groups_.rows() * groups_.cols()));
    row_scratch s;
    for (index_t r = 0; r < groups_.rows(); ++r) {
      const float* row = source_.read(r, 1, s.panel).row(0);
      const finite_row x = finite(row, groups_.cols(), groups_.cols(), r, 0, s);
      all.insert(all.end(), x.for_range, x.for_range + groups_.cols());
    }
    return all;
  }

  /// A group a column: some columns at a time are turned into contiguous values.
  void fit_columns() {
    constexpr index_t width = 64;
    const index_t rows = groups_.rows(), cols = groups_.cols();
    parallel_for((cols + width - 1) / width, answers_.options.threads, [&](index_t block) {
      const index_t first = block * width, count = std::min(width, cols - first);
      monitor_->check();
      std::vector<float> values(static_cast<std::size_t>(count * rows)), weights;
      row_scratch s;
      for (index_t r = 0; r < rows; r += source_.panel_height()) {
        const index_t height = std::min(source_.panel_height(), rows - r);
        const auto panel = source_.read(r, height, first, count, s.panel);
        for (index_t i = 0; i < height; ++i) {
          const finite_row x = finite(panel.row(i), count, count, r + i, first, s);
          for (index_t c = 0; c < count; ++c)
            values[static_cast<std::size_t>(c * rows + r + i)] = x.for_range[c];
        }
      }
      for (index_t c = 0; c < count; ++c) {
        weights.clear();
        for (index_t r = 0; r < rows && !answers_.column_weights.weights.empty(); ++r)
          weights.push_back(weights_of(r, first + c, 1)[0]);
        parameters_.store(
            first + c, fit({values.data() + c * rows, static_cast<std::size_t>(rows)}, weights, first + c));
      }
      monitor_->advance(count * rows);
    });
  }

  const row_source& source_;
  const recipe& answers_;
  const any_range& search_;
  bool is_column_vector_;
  grouping groups_;
  group_parameters parameters_;
  work_monitor own_monitor_;
  work_monitor* monitor_;
  const extent_model* extent_;
  bool sign_only_ = false;
};

}  // namespace bitgauge::detail
