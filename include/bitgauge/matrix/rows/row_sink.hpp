#pragma once

/// \file
/// The way back into Eigen: rows of float written to any matrix, map or block of float.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <functional>
#include <string>
#include <type_traits>

namespace bitgauge::detail {

/// Where rows of float go: element (r, c) is at data + r * row_step + c * col_step, or, where there is no such
/// memory, store() takes some rows that begin at row `first`.
struct row_target {
  float* data = nullptr;
  index_t row_step = 0, col_step = 0;
  std::function<void(index_t first, const float* panel, index_t rows, index_t cols, index_t stride)> store{};
};

/// Writes one row; may keep buffers.
using row_writer = std::function<void(index_t row, float* out)>;

/// Writes the rows first .. first + count - 1 by columns: element (first + r, c) to out[c * col_step + r].
/// `past_caches`: see column_operations.
using column_writer =
    std::function<void(index_t first, index_t count, float* out, index_t col_step, bool past_caches)>;

/// Fills `target` (rows x cols) in panels of rows. `begin()` gives each panel its writer, which writes where the
/// row belongs if rows of `target` are contiguous, else into a buffer that is then transposed; where columns are,
/// `by_columns` writes them, if there is one. A column vector is one row to its writer.
BITGAUGE_DECLARE void fill_target(const row_target& target, index_t rows, index_t cols, bool is_column_vector,
                                  int threads, const std::function<row_writer()>& begin,
                                  const column_writer& by_columns);

/// The same for a matrix of Eigen's. Raises shape_error for another shape.
template <class Derived>
void fill_rows(const Eigen::DenseBase<Derived>& target, index_t rows, index_t cols, bool is_column_vector,
               int threads, const std::function<row_writer()>& begin, const column_writer& by_columns = {}) {
  static_assert(std::is_same_v<typename Derived::Scalar, float>, "dequantize into float, then .cast<>()");
  // a temporary block is an output too, as for Eigen's own functions
  auto& out = const_cast<Eigen::DenseBase<Derived>&>(target).derived();
  if (out.rows() != rows || out.cols() != cols)
    raise_message<shape_error>(
        {"dequantize: expected a target of ", rows, " x ", cols, ", found ", out.rows(), " x ", out.cols()});
  row_target to;
  if constexpr ((static_cast<unsigned>(Derived::Flags) & static_cast<unsigned>(Eigen::DirectAccessBit)) !=
                0) {
    to.data = out.data();
    to.row_step = Derived::IsRowMajor ? out.outerStride() : out.innerStride();
    to.col_step = Derived::IsRowMajor ? out.innerStride() : out.outerStride();
  } else {
    to.store = [&out](index_t first, const float* panel, index_t count, index_t width, index_t stride) {
      using rows_of_float = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      out.middleRows(first, count) = Eigen::Map<const rows_of_float, 0, Eigen::OuterStride<>>(
          panel, count, width, Eigen::OuterStride<>(stride));
    };
  }
  fill_target(to, rows, cols, is_column_vector, threads, begin, by_columns);
}

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/rows/row_sink_definitions.hpp>
#endif
