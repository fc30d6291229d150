#pragma once

/// \file
/// The result of quantizing: codes, scales and zero points in plain buffers, and the way back to floats.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/base/uninitialized_memory.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/matrix/codes/code_encoding.hpp>
#include <bitgauge/matrix/rows/row_sink.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/scale/storage.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {

namespace detail {
class quantizer;
template <int>
class feedback_quantizer;

/// Marks codes that this library chose, whose values need no second look. Only its quantizers make one.
class own_codes {
  own_codes() = default;
  friend class quantizer;
  template <int>
  friend class feedback_quantizer;
};
}  // namespace detail

/// A quantized matrix W (out x in): real(r, c) = scale(g) * (code(r, c) - zero_point(g)), g the group of (r,
/// c); with a codebook the code is replaced by its level, with levels by row by that of its row.
///
/// Layout. Codes: row after row, each row packed densely (packing/dense.hpp) from a byte boundary on,
/// row_bytes() a row. Scales: one per group in the order of `grouping`, see scale_array. Zero points: one
/// code per group, packed densely at the codes' width without gaps. A column vector of n elements is stored
/// as one row of n. A matrix that has been moved from is empty: 0 x 0.
class quantized_matrix {
 public:
  quantized_matrix() = default;

  /// Assembles a matrix from its parts, as read from a file; vectors are taken over. Throws invalid_scheme
  /// for an encoding whose fields do not go together, shape_error where a buffer's size is not what the shape
  /// needs, and data_error for a scale or a restored value that is not finite. Linear in the number of
  /// groups; codes are looked at only where a level is not finite or a scale comes near the end of binary32.
  quantized_matrix(grouping groups, code_encoding encoding, buffer<std::uint8_t> codes, scale_array scales,
                   std::vector<std::uint8_t> zero_points, bool is_column_vector = false)
      : quantized_matrix(groups, std::move(encoding), std::move(codes), std::move(scales),
                         std::move(zero_points), is_column_vector, nullptr) {}
  /// The same from the library's own quantizers.
  quantized_matrix(grouping groups, code_encoding encoding, buffer<std::uint8_t> codes, scale_array scales,
                   std::vector<std::uint8_t> zero_points, bool is_column_vector, const detail::own_codes& own)
      : quantized_matrix(groups, std::move(encoding), std::move(codes), std::move(scales),
                         std::move(zero_points), is_column_vector, &own) {}

 private:
  quantized_matrix(grouping groups, code_encoding encoding, buffer<std::uint8_t> codes, scale_array scales,
                   std::vector<std::uint8_t> zero_points, bool is_column_vector, const detail::own_codes* own)
      : groups_(groups),
        encoding_(std::move(encoding)),
        codes_(std::move(codes)),
        scales_(std::move(scales)),
        zero_points_(std::move(zero_points)),
        is_column_vector_(is_column_vector) {
    const float largest_scale = validate();
    if (own == nullptr) require_finite_values(largest_scale);
  }

 public:
  index_t rows() const noexcept { return is_column_vector_ ? groups_.cols() : groups_.rows(); }
  index_t cols() const noexcept { return is_column_vector_ ? 1 : groups_.cols(); }
  index_t size() const noexcept { return groups_.rows() * groups_.cols(); }
  bool is_column_vector() const noexcept { return is_column_vector_; }

  /// The groups of the stored rows (of a column vector: of its single stored row).
  const grouping& groups() const noexcept { return groups_; }
  const code_encoding& encoding() const noexcept { return encoding_; }
  int bits() const noexcept { return encoding_.bits; }
  index_t row_bytes() const noexcept { return packing::dense_bytes(groups_.cols(), encoding_.bits); }

  /// Packed; converts to `std::span<const std::uint8_t>`.
  const buffer<std::uint8_t>& codes() const noexcept { return codes_; }
  const scale_array& scales() const noexcept { return scales_; }
  /// Packed; empty where all groups share one zero point.
  const std::vector<std::uint8_t>& zero_points() const noexcept { return zero_points_; }

  /// Of a group of groups(). Throw shape_error where there is no such group.
  float scale(index_t group) const {
    check_group("scale", group);
    return scales_[group];
  }
  int zero_point(index_t group) const {
    check_group("zero_point", group);
    return stored_zero_point(group);
  }
  /// The code at a position; with a codebook its field. Throws shape_error outside the matrix. O(1), for
  /// inspection.
  int code(index_t row, index_t col) const {
    if (row < 0 || row >= rows() || col < 0 || col >= cols())
      detail::raise_message<shape_error>(
          {"code(", row, ", ", col, ") of a matrix of ", rows(), " x ", cols()});
    if (is_column_vector_) std::swap(row, col);
    const std::uint8_t field = packing::dense_field(codes_.data() + row * row_bytes(), col, encoding_.bits);
    return encoding_.has_levels() ? field : code_of_field(field);
  }

  /// The codes, rows x cols; with a codebook their fields. Throws data_error where Plain's numbers do not
  /// hold every code of this width. from_codes() is the way back.
  template <class Plain = Eigen::MatrixXi>
  Plain codes_as() const;
  /// The scales, a row for each row of the matrix (one where groups span rows) and a column for each group of
  /// a row; of a column vector along it. Zero points likewise; throws data_error as codes_as() does.
  template <class Plain = Eigen::MatrixXf>
  Plain scales_as_matrix() const;
  template <class Plain = Eigen::MatrixXi>
  Plain zero_points_as_matrix() const;

  /// Bytes of codes, scales, zero points and their padding, and of a codebook.
  index_t storage_bytes() const noexcept {
    return static_cast<index_t>(codes_.size() + scales_.bytes().size() + zero_points_.size()) + level_bytes();
  }
  /// Stored bits over elements: codes, scales, zero points, levels by row and their padding; a codebook that is
  /// one for all is left out. 0 for an empty matrix.
  double bits_per_weight() const noexcept {
    const index_t shared = encoding_.levels_by_row ? 0 : level_bytes();
    return size() == 0 ? 0
                       : 8.0 * static_cast<double>(storage_bytes() - shared) / static_cast<double>(size());
  }

  /// Writes stored row `row` as cols floats (of a column vector: row 0, all elements) to `out`. Throws
  /// shape_error where there is no such row.
  BITGAUGE_DECLARE void dequantize_row(index_t row, float* out) const;

  /// The matrix of real values: MatrixXf, or any plain float type named. `threads` as in options. Throws
  /// shape_error where the type's fixed size is another.
  template <class Plain = Eigen::MatrixXf>
  Plain dequantize(int threads = 0) const {
    Plain out;
    if constexpr (Plain::SizeAtCompileTime == Eigen::Dynamic) {
      const bool fits = (Plain::RowsAtCompileTime == Eigen::Dynamic || Plain::RowsAtCompileTime == rows()) &&
                        (Plain::ColsAtCompileTime == Eigen::Dynamic || Plain::ColsAtCompileTime == cols());
      if (fits) out.resize(rows(), cols());
      detail::advise_huge_pages(out);
    }
    dequantize_into(out, threads);
    return out;
  }

  /// Writes the real values into an existing matrix, map or block of float with the right shape. Throws
  /// shape_error.
  template <class Derived>
  void dequantize_into(const Eigen::DenseBase<Derived>& target, int threads = 0) const {
    detail::fill_rows(
        target, rows(), cols(), is_column_vector_, threads,
        [this] {
          return [this, scratch = row_scratch{}](index_t row, float* out) mutable {
            dequantize_row(row, out, scratch);
          };
        },
        column_writer());
  }

  friend bool operator==(const quantized_matrix& a, const quantized_matrix& b) {
    return a.rows() == b.rows() && a.cols() == b.cols() &&
           a.groups_.granularity() == b.groups_.granularity() && a.encoding_ == b.encoding_ &&
           a.codes_ == b.codes_ && a.scales_.storage() == b.scales_.storage() &&
           a.scales_.bytes() == b.scales_.bytes() && a.zero_points_ == b.zero_points_;
  }

 private:
  struct row_scratch {
    std::vector<std::uint8_t> fields, zero_point_fields;
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
  };

  void check_group(const char* what, index_t group) const {
    if (group < 0 || group >= groups_.count())
      detail::raise_message<shape_error>({what, "(", group, ") of a matrix of ", groups_.count(), " groups"});
  }
  int stored_zero_point(index_t group) const noexcept {
    if (!encoding_.has_zero_points) return encoding_.center;
    return code_of_field(packing::dense_field(zero_points_.data(), group, encoding_.bits));
  }
  index_t level_bytes() const noexcept {
    return static_cast<index_t>(encoding_.levels.size()) * bytes_of(encoding_.stored_levels);
  }
  int code_of_field(int field) const noexcept {
    if (encoding_.is_sign_only) return field != 0 ? 1 : -1;
    const int sign = 1 << (encoding_.bits - 1);
    return encoding_.is_signed ? (field ^ sign) - sign : field;
  }

  friend class pruned_matrix;  // which keeps fewer codes
  BITGAUGE_DECLARE void dequantize_row(index_t row, float* out, row_scratch& scratch) const;
  /// The same from fields that are unpacked, a byte each; extends_sign() says how.
  BITGAUGE_DECLARE void decode_fields(index_t row, const std::uint8_t* fields, float* out,
                                      row_scratch& scratch) const;
  /// Writes rows by columns where codes are integers, else none.
  BITGAUGE_DECLARE detail::column_writer column_writer() const;
  BITGAUGE_DECLARE void read_parameters(index_t first, index_t count, row_scratch& scratch) const;
  bool extends_sign() const noexcept {
    return encoding_.is_signed && !encoding_.is_sign_only && !encoding_.has_levels();
  }

  BITGAUGE_DECLARE float validate() const;
  BITGAUGE_DECLARE void require_finite_values(float largest_scale) const;

  detail::reset_on_move<grouping> groups_;
  detail::reset_on_move<code_encoding> encoding_;
  buffer<std::uint8_t> codes_;
  scale_array scales_;
  std::vector<std::uint8_t> zero_points_;
  detail::reset_on_move<bool> is_column_vector_;
};

}  // namespace bitgauge

#include <bitgauge/matrix/codes/raw_access.hpp>

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/quantized_matrix_definitions.hpp>
#endif
