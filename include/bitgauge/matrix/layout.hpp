#pragma once

/// \file
/// What a quantization stores, known before it runs: what a file is laid out by.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/scale/storage.hpp>

namespace bitgauge {

/// The groups, the encoding of the codes and the sizes of the buffers of a quantized matrix.
struct quantized_layout {
  grouping groups;
  code_encoding encoding;
  scale_storage scales{};
  bool is_column_vector = false;

  index_t row_bytes() const noexcept { return packing::dense_bytes(groups.cols(), encoding.bits); }
  index_t code_bytes() const noexcept { return groups.rows() * row_bytes(); }
  index_t scale_bytes() const noexcept { return bitgauge::scale_bytes(scales, groups.count()); }
  index_t zero_point_bytes() const noexcept {
    return encoding.has_zero_points ? packing::dense_bytes(groups.count(), encoding.bits) : 0;
  }
  index_t level_bytes() const noexcept {
    if (encoding.levels_by_row) return (groups.rows() << encoding.bits) * bytes_of(encoding.stored_levels);
    return static_cast<index_t>(encoding.levels.size() * sizeof(float));
  }
  /// Those that do not grow with the matrix.
  index_t shared_level_bytes() const noexcept { return encoding.levels_by_row ? 0 : level_bytes(); }
  /// What quantized_matrix::storage_bytes() will be.
  index_t storage_bytes() const noexcept {
    return code_bytes() + scale_bytes() + zero_point_bytes() + level_bytes();
  }
  /// What quantized_matrix::bits_per_weight() will be.
  double bits_per_weight() const noexcept {
    const auto size = static_cast<double>(groups.rows()) * static_cast<double>(groups.cols());
    return size > 0 ? 8.0 * static_cast<double>(storage_bytes() - shared_level_bytes()) / size : 0;
  }
};

/// The layout of a matrix that is already there.
inline quantized_layout layout_of(const quantized_matrix& q) {
  return {q.groups(), q.encoding(), q.scales().storage(), q.is_column_vector()};
}

namespace detail {

/// What the fields of a grid stand for; levels by row are not yet known.
inline code_encoding encoding_of(const any_grid& grid) {
  code_encoding m;
  m.bits = grid.bits();
  m.has_zero_points = grid.has_zero_point();
  if (const integer_grid* integer = grid.integer()) {
    m.is_sign_only = integer->is_sign_only();
    m.is_signed = integer->is_signed() && !m.is_sign_only;
    m.center = integer->center;
  } else if (grid.fits_rows()) {
    m.levels_by_row = true;
    m.stored_levels = grid.row_levels();
  } else {
    for (int f = 0; f < 1 << m.bits; ++f) m.levels.push_back(grid.level(f));
  }
  return m;
}

}  // namespace detail
}  // namespace bitgauge
