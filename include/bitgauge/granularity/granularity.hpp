#pragma once

/// \file
/// Which elements of a matrix share parameters.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <algorithm>
#include <string>

namespace bitgauge {

/// How a matrix divides into groups, before its shape is known. Build it from the four types below.
struct granularity {
  enum class kind { tensor, row, column, group };
  kind what = kind::row;
  index_t size = 0;  ///< elements of a group; only with kind::group

  friend constexpr bool operator==(const granularity&, const granularity&) = default;
};

/// One group: the whole matrix.
struct per_tensor {
  constexpr operator granularity() const { return {granularity::kind::tensor, 0}; }
};
/// One group a row: an output channel of y = W x.
struct per_row {
  constexpr operator granularity() const { return {granularity::kind::row, 0}; }
};
/// One group a column.
struct per_column {
  constexpr operator granularity() const { return {granularity::kind::column, 0}; }
};
/// Groups of `size` neighbours along each row; the last group of a row holds what is left.
struct per_group {
  index_t size = 0;
  constexpr operator granularity() const {
    if (size < 1) detail::raise_message<invalid_scheme>({"group: expected at least 1 element, found ", size});
    return {granularity::kind::group, size};
  }
};
/// Another name for per_row.
using per_channel = per_row;
/// Another name for per_group.
using per_block = per_group;

/// The groups of a matrix of known shape, numbered 0 .. count()-1: row by row, and along each row.
class grouping {
 public:
  grouping() = default;
  /// Throws shape_error for a negative count of rows or columns and for more than 2^60 elements (so that
  /// sizes in bytes cannot overflow), invalid_scheme for groups of less than one element.
  grouping(bitgauge::granularity groups, index_t rows, index_t cols)
      : granularity_(groups), rows_(rows), cols_(cols) {
    constexpr index_t most = index_t{1} << 60;
    if (rows < 0 || cols < 0 || rows > most || cols > most || (cols > 0 && rows > most / cols))
      detail::raise_message<shape_error>(
          {"shape: expected rows and columns from 0 up and at most 2^60 elements, found ", rows, " x ",
           cols});
    if (groups.what == granularity::kind::group && groups.size < 1)
      detail::raise_message<invalid_scheme>({"group: expected at least 1 element, found ", groups.size});
  }

  /// Which elements share parameters.
  const bitgauge::granularity& granularity() const noexcept { return granularity_; }
  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }

  /// True where every group lies within one row.
  bool within_rows() const noexcept {
    return granularity_.what == granularity::kind::row || granularity_.what == granularity::kind::group;
  }
  /// Elements of a row that share parameters with their neighbours; at least 1.
  index_t run() const noexcept {
    if (granularity_.what == granularity::kind::column) return 1;
    if (granularity_.what == granularity::kind::group)
      return std::max<index_t>(1, std::min(granularity_.size, cols_));
    return std::max<index_t>(1, cols_);
  }
  /// Runs in a row: ceil(cols / run()).
  index_t runs_per_row() const noexcept { return (cols_ + run() - 1) / run(); }

  /// Number of groups; 0 for an empty matrix.
  index_t count() const noexcept {
    if (rows_ == 0 || cols_ == 0) return 0;
    if (granularity_.what == granularity::kind::tensor) return 1;
    return granularity_.what == granularity::kind::column ? cols_ : rows_ * runs_per_row();
  }
  /// The group of run `i` of `row`.
  index_t group_of_run(index_t row, index_t i) const noexcept {
    if (granularity_.what == granularity::kind::tensor) return 0;
    return granularity_.what == granularity::kind::column ? i : row * runs_per_row() + i;
  }
  /// The group of an element.
  index_t group_of(index_t row, index_t col) const noexcept { return group_of_run(row, col / run()); }

 private:
  bitgauge::granularity granularity_;
  index_t rows_ = 0, cols_ = 0;
};

}  // namespace bitgauge
