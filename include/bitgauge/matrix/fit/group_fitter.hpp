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
#include <bitgauge/matrix/fit/run_fitter.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/scale/codec.hpp>
#include <bitgauge/simd/columns.hpp>

#include <algorithm>
#include <atomic>
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
  group_parameters& found() noexcept { return runs_.found(); }
  const group_parameters& found() const noexcept { return runs_.found(); }
  const grouping& groups() const noexcept { return groups_; }

  /// Finds the second level of nested scales, and fits the groups that span rows.
  void start() {
    if (is_nested(found().scales().type())) answers_.prepare_scales(*this);
    fit_spanning();
  }

  /// True where the extents of groups, which is all that they are fitted by, can be found down the columns.
  bool goes_by_columns() const noexcept { return runs_.extent() != nullptr && source_.lies_by_columns(); }
  /// True once groups that span rows have been fitted and every value is known to be finite.
  bool is_finite() const noexcept { return is_finite_; }

  /// Calls body(first, count) for every panel of the rows begin .. end - 1, from several threads.
  template <class Body>
  void for_each_panel(index_t begin, index_t end, const Body& body) {
    for_each_panel(begin, end, source_.panel_height(), 0, body);
  }
  /// The same for panels to be gone through by columns, `cols` of them before they are read again: they begin where
  /// rows_to_panel() says.
  template <class Body>
  void for_each_column_panel(index_t begin, index_t end, index_t cols, const Body& body) {
    const index_t height = source_.column_panel_height(cols), own = source_.rows_to_panel(begin) % height;
    for_each_panel(begin, end, height, own > 0 && begin < end ? height - own : 0, body);
  }

  /// Rows are read in panels of `height`, the first of which lacks `missing`.
  template <class Body>
  void for_each_panel(index_t begin, index_t end, index_t height, index_t missing, const Body& body) {
    parallel_for((end - begin + missing + height - 1) / height, answers_.options.threads, [&](index_t p) {
      const index_t first = begin + std::max<index_t>(p * height - missing, 0);
      const index_t count = std::min(begin + (p + 1) * height - missing, end) - first;
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
    s.resize(runs);
    if (groups_.within_rows()) return;
    for (std::size_t i = 0; i < runs; ++i)
      s.runs(0).set(i, found().stored(groups_.group_of_run(0, static_cast<index_t>(i))));
  }

  /// Fits the groups of a row of finite values, whose extents are in `s`, and leaves their parameters there.
  void fit_row(index_t row, const float* x, row_scratch& s) {
    runs_.fit_runs(row, 0, x, s.runs(groups_.runs_per_row()));
  }

  /// Fits the runs first .. first + count - 1 of the rows from `row` on by their columns `x`, where goes_by_columns():
  /// the parameters of run i of row r are in place r * count + i of `s`. False where values are not finite: the rows
  /// are to be fitted one by one then.
  bool fit_columns_of_rows(const simd::column_panel& x, index_t row, index_t first, index_t count,
                           row_scratch& s) {
    if (!find_extents(x, groups_.run(), count, s)) return false;
    runs_.fit_runs(row, first, nullptr, s.runs(count));
    return true;
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
    const any_range& search =
        answers_.scales.block == 0 ? static_cast<const any_range&>(widest) : *answers_.range;
    group_fitter first(source_, answers_, is_column_vector_, f32_scales, search, monitor_);
    first.fit_spanning();
    if (groups_.within_rows()) first.fit_rows();
    std::vector<float> wanted(static_cast<std::size_t>(groups_.count()));
    first.found().scales().read_into(0, groups_.count(), wanted.data());
    found().prepare(wanted);
  }

 private:
  /// `search`: the range that groups are fitted by one at a time. `monitor`: one's own where null.
  group_fitter(const row_source& source, const recipe& answers, bool is_column_vector,
               const scale_storage& scales, const any_range& search, work_monitor* monitor)
      : source_(source),
        answers_(answers),
        is_column_vector_(is_column_vector),
        runs_(answers, grouping(answers.groups, source.rows(), source.cols()), scales, search),
        groups_(runs_.groups()),
        own_monitor_(answers.options, source.rows() * source.cols(),
                     1 + (groups_.within_rows() ? 0 : 1) + (is_nested(answers.scales.type) ? 1 : 0)),
        monitor_(monitor != nullptr ? monitor : &own_monitor_) {}

  /// Groups that span rows are fitted before any row is encoded.
  void fit_spanning() {
    if (groups_.within_rows()) return;
    is_finite_ = true;  // until a value is found that is not
    answers_.fit_spanning(*this);
  }

  /// Finds the extents of `count` runs of each row, and makes room for their parameters. False where values are not
  /// finite.
  static bool find_extents(const simd::column_panel& x, index_t run, index_t count, row_scratch& s) {
    s.resize(static_cast<std::size_t>(x.rows * count));
    return simd::column_kernels().column_extents(x, run, s.low.data(), s.high.data(), count) <
           numeric::infinity_bits;
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
    const auto by_rows = [&](index_t first, index_t count) {
      row_scratch s;
      const auto panel = source_.read(first, count, s.panel);
      for (index_t r = 0; r < count; ++r) {
        const finite_row x = finite(panel.row(r), cols, cols, first + r, 0, s);
        const auto at = static_cast<std::size_t>(first + r);
        extents[at] = {s.low[0], s.high[0]};
        if (x.for_range != panel.row(r)) is_finite_ = false;
        if (runs_.is_sign_only()) sums[at] = magnitude_sum({x.for_range, static_cast<std::size_t>(cols)});
      }
    };
    const auto by_columns = [&](index_t first, index_t count) {
      row_scratch s;
      if (!find_extents(source_.columns(first, count, 0, cols), cols, 1, s)) return by_rows(first, count);
      for (index_t r = 0; r < count; ++r)
        extents[static_cast<std::size_t>(first + r)] = {s.low[static_cast<std::size_t>(r)],
                                                        s.high[static_cast<std::size_t>(r)]};
    };
    goes_by_columns() ? for_each_column_panel(0, rows, cols, by_columns) : for_each_panel(0, rows, by_rows);
    if (answers_.range->as_extent() != nullptr) return found().store(0, merged(extents, sums));
    const bool in_place = source_.contiguous() != nullptr && is_finite_;
    const std::vector<float> copy = in_place ? std::vector<float>{} : gathered();
    std::vector<float> weights;
    for (index_t r = 0; r < rows; ++r) {
      const std::span<const float> row = answers_.column_weights.of_row(r, rows);
      weights.insert(weights.end(), row.begin(), row.end());
    }
    found().store(
        0, runs_.fit({in_place ? source_.contiguous() : copy.data(), static_cast<std::size_t>(rows * cols)},
                     weights, 0));
  }

  parameters merged(const std::vector<interval>& extents, const std::vector<double>& sums) const {
    if (runs_.is_sign_only()) {
      double mean = 0;
      for (const double s : sums) mean += s;
      mean /= static_cast<double>(source_.rows() * source_.cols());
      return parameters_for(symmetric_interval(static_cast<float>(mean)), *answers_.grid,
                            found().rounding_of(0));
    }
    interval all;
    for (const interval& e : extents) all = {std::min(all.low, e.low), std::max(all.high, e.high)};
    return parameters_for(runs_.extent()->widen(all), *answers_.grid, found().rounding_of(0));
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

  /// A group a column, by the extents of `count` columns that are read as they lie. False, and nothing done, where a
  /// range needs more, the matrix lies otherwise or values are not finite.
  bool fit_columns_from_extents(index_t first, index_t count) {
    if (runs_.extent() == nullptr) return false;
    row_scratch s;
    if (source_.lies_by_columns()) {
      s.resize(static_cast<std::size_t>(count));
      for (index_t c = 0; c < count; ++c) {
        const simd::column_panel column = source_.columns(0, groups_.rows(), first + c, 1);
        const auto at = static_cast<std::size_t>(c);
        if (simd::extents(column.x, column.rows, column.rows, &s.low[at], &s.high[at]) >=
            numeric::infinity_bits)
          return false;
      }
    } else if (source_.in_place(0) == nullptr ||
               !find_extents(source_.rows_as_columns(first, count), groups_.rows(), 1, s)) {
      return false;
    }
    runs_.fit_runs(0, first, nullptr, s.runs(count));
    return true;
  }

  /// A group a column.
  void fit_columns() {
    constexpr index_t gathered = 64, few = 2048;
    const index_t cols = groups_.cols(), width = cols < few ? gathered : 4 * gathered;
    parallel_for((cols + width - 1) / width, answers_.options.threads, [&](index_t block) {
      const index_t first = block * width, count = std::min(width, cols - first);
      monitor_->check();
      if (!fit_columns_from_extents(first, count))
        for (index_t c = 0; c < count; c += gathered)
          fit_gathered_columns(first + c, std::min(gathered, count - c));
      monitor_->advance(count * groups_.rows());
    });
  }

  /// Some columns are turned into contiguous values.
  void fit_gathered_columns(index_t first, index_t count) {
    const index_t rows = groups_.rows();
    std::vector<float> values(static_cast<std::size_t>(count * rows)), weights;
    row_scratch s;
    for (index_t r = 0; r < rows; r += source_.panel_height()) {
      const index_t height = std::min(source_.panel_height(), rows - r);
      const auto panel = source_.read(r, height, first, count, s.panel);
      for (index_t i = 0; i < height; ++i) {
        const finite_row x = finite(panel.row(i), count, count, r + i, first, s);
        if (x.for_range != panel.row(i)) is_finite_ = false;
        for (index_t c = 0; c < count; ++c)
          values[static_cast<std::size_t>(c * rows + r + i)] = x.for_range[c];
      }
    }
    for (index_t c = 0; c < count; ++c) {
      weights.clear();
      for (index_t r = 0; r < rows && !answers_.column_weights.weights.empty(); ++r)
        weights.push_back(runs_.weights_of(r, first + c, 1)[0]);
      found().store(first + c, runs_.fit({values.data() + c * rows, static_cast<std::size_t>(rows)}, weights,
                                         first + c));
    }
  }

  const row_source& source_;
  const recipe& answers_;
  bool is_column_vector_;
  run_fitter runs_;
  const grouping& groups_;
  work_monitor own_monitor_;
  work_monitor* monitor_;
  std::atomic<bool> is_finite_ = false;
};

}  // namespace bitgauge::detail
