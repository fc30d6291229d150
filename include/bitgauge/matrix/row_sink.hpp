#pragma once

/// \file
/// The way back into Eigen: rows of float written to any matrix, map or block of float.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/row_source.hpp>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

namespace bitgauge::detail {

/// Fills `target` (rows x cols) in panels of rows. `begin()` gives each panel its writer, a callable
/// (row, float* out) that may keep buffers; it writes where the row belongs if rows of `target` are
/// contiguous, else into a buffer that is then transposed. A column vector is one row to its writer. Raises
/// shape_error for another shape.
template <class Derived, class Begin>
void fill_rows(const Eigen::DenseBase<Derived>& target, index_t rows, index_t cols, bool is_column_vector,
               int threads, const Begin& begin) {
  static_assert(std::is_same_v<typename Derived::Scalar, float>, "dequantize into float, then .cast<>()");
  // a temporary block is an output too, as for Eigen's own functions
  auto& out = const_cast<Eigen::DenseBase<Derived>&>(target).derived();
  if (out.rows() != rows || out.cols() != cols)
    raise(shape_error("dequantize: expected a target of " + std::to_string(rows) + " x " +
                      std::to_string(cols) + ", found " + std::to_string(out.rows()) + " x " +
                      std::to_string(out.cols())));
  if (rows == 0 || cols == 0) return;
  const index_t stored_rows = is_column_vector ? 1 : rows, width = is_column_vector ? rows : cols;
  index_t row_step = 0;
  bool in_place = false;
  if constexpr ((static_cast<unsigned>(Derived::Flags) & static_cast<unsigned>(Eigen::DirectAccessBit)) !=
                0) {
    const index_t along =
        is_column_vector == static_cast<bool>(Derived::IsRowMajor) ? out.outerStride() : out.innerStride();
    in_place = along == 1 || width == 1;
    row_step = Derived::IsRowMajor ? out.outerStride() : out.innerStride();
  }
  const index_t height = row_source::panel_height(in_place, width);
  scratch_pool<std::vector<float>> buffers;
  parallel_for((stored_rows + height - 1) / height, threads, [&](index_t p) {
    const index_t first = p * height, count = std::min(height, stored_rows - first);
    auto write = begin();
    if constexpr ((static_cast<unsigned>(Derived::Flags) & static_cast<unsigned>(Eigen::DirectAccessBit)) !=
                  0) {
      if (in_place) {
        for (index_t r = first; r < first + count; ++r) write(r, out.data() + r * row_step);
        return;
      }
    }
    const index_t stride = count > 1 ? simd::transpose_stride(width) : width;
    const auto borrowed = buffers.borrow();
    std::vector<float>& buffer = *borrowed;
    buffer.resize(static_cast<std::size_t>(count * stride));
    for (index_t r = 0; r < count; ++r) write(first + r, buffer.data() + r * stride);
    if constexpr ((static_cast<unsigned>(Derived::Flags) & static_cast<unsigned>(Eigen::DirectAccessBit)) !=
                  0) {
      if (row_step == 1 && !is_column_vector)  // columns are contiguous
        return simd::row_kernels().transpose(buffer.data(), stride, width, count, out.data() + first,
                                             Derived::IsRowMajor ? out.innerStride() : out.outerStride());
    }
    using rows_of_float = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const rows_of_float, 0, Eigen::OuterStride<>> panel(
        buffer.data(), is_column_vector ? width : count, is_column_vector ? 1 : width,
        Eigen::OuterStride<>(is_column_vector ? 1 : stride));
    out.middleRows(is_column_vector ? 0 : first, panel.rows()).derived() = panel;
  });
}

}  // namespace bitgauge::detail
