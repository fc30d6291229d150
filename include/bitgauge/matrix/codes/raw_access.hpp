#pragma once

/// \file
/// Codes, scales and zero points of a quantized matrix as matrices of Eigen's: what quantized_matrix
/// declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/packing/dense.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

/// A matrix of rows x cols. Raises shape_error where the type's fixed size is another.
template <class Plain>
Plain shaped(const char* what, index_t rows, index_t cols) {
  Plain out;
  const bool fits = (Plain::RowsAtCompileTime == Eigen::Dynamic || Plain::RowsAtCompileTime == rows) &&
                    (Plain::ColsAtCompileTime == Eigen::Dynamic || Plain::ColsAtCompileTime == cols);
  if (!fits)
    raise(shape_error(std::string(what) + ": expected a matrix type for " + std::to_string(rows) + " x " +
                      std::to_string(cols)));
  out.resize(rows, cols);
  return out;
}

/// The smallest and the largest integer that codes of this encoding can be.
constexpr std::pair<int, int> code_bounds(int bits, bool is_signed, bool is_sign_only) noexcept {
  if (is_sign_only) return {-1, 1};
  const int half = 1 << (bits - 1);
  return is_signed ? std::pair{-half, half - 1} : std::pair{0, 2 * half - 1};
}

/// Raises data_error where integers from `bounds` do not fit Scalar.
template <class Scalar>
void require_room(const char* what, std::pair<int, int> bounds) {
  static_assert(std::is_integral_v<Scalar>,
                "bitgauge: codes and zero points are whole numbers: name a matrix type of integers, such as "
                "Eigen::MatrixXi");
  if (!std::in_range<Scalar>(bounds.first) || !std::in_range<Scalar>(bounds.second))
    raise(data_error(std::string(what) + ": expected a type that holds " + std::to_string(bounds.first) +
                     " to " + std::to_string(bounds.second) + ", found one of " +
                     std::to_string(sizeof(Scalar)) + (sizeof(Scalar) == 1 ? " byte" : " bytes") +
                     (std::is_signed_v<Scalar> ? " with a sign" : " without a sign")));
}

/// How the parameters of groups lie as a matrix: as many rows as the matrix has, or one for all, and as many
/// columns as a row has groups. A column vector's lie along it. 0 x 0 where there are no groups.
inline std::pair<index_t, index_t> parameter_shape(const grouping& groups, bool is_column_vector) noexcept {
  if (groups.count() == 0) return {0, 0};
  const index_t rows = groups.within_rows() ? groups.rows() : 1, cols = groups.count() / rows;
  return is_column_vector ? std::pair{cols, rows} : std::pair{rows, cols};
}

/// The parameters value(group) in that shape.
template <class Plain, class Value>
Plain parameter_matrix(const char* what, const quantized_matrix& q, const Value& value) {
  const auto [rows, cols] = parameter_shape(q.groups(), q.is_column_vector());
  Plain out = shaped<Plain>(what, rows, cols);
  for (index_t r = 0; r < rows; ++r)
    for (index_t c = 0; c < cols; ++c) out(r, c) = static_cast<typename Plain::Scalar>(value(r * cols + c));
  return out;
}

}  // namespace detail

template <class Plain>
Plain quantized_matrix::codes_as() const {
  const std::pair<int, int> bounds =
      encoding_.has_levels()
          ? std::pair{0, (1 << encoding_.bits) - 1}
          : detail::code_bounds(encoding_.bits, encoding_.is_signed, encoding_.is_sign_only);
  detail::require_room<typename Plain::Scalar>("codes_as", bounds);
  Plain out = detail::shaped<Plain>("codes_as", rows(), cols());
  for (index_t r = 0; r < groups_.rows(); ++r) {
    const std::uint8_t* fields = codes_.data() + r * row_bytes();
    for (index_t c = 0; c < groups_.cols(); ++c) {
      const std::uint8_t field = packing::dense_field(fields, c, encoding_.bits);
      const int code = encoding_.has_levels() ? field : code_of_field(field);
      (is_column_vector_ ? out(c, r) : out(r, c)) = static_cast<typename Plain::Scalar>(code);
    }
  }
  return out;
}

template <class Plain>
Plain quantized_matrix::scales_as_matrix() const {
  static_assert(std::is_floating_point_v<typename Plain::Scalar>,
                "bitgauge: scales are float: name a matrix type of float or double");
  return detail::parameter_matrix<Plain>("scales_as_matrix", *this, [&](index_t g) { return scale(g); });
}

template <class Plain>
Plain quantized_matrix::zero_points_as_matrix() const {
  const std::pair<int, int> bounds =
      encoding_.has_zero_points
          ? detail::code_bounds(encoding_.bits, encoding_.is_signed, encoding_.is_sign_only)
          : std::pair{encoding_.center, encoding_.center};
  detail::require_room<typename Plain::Scalar>("zero_points_as_matrix", bounds);
  return detail::parameter_matrix<Plain>("zero_points_as_matrix", *this,
                                         [&](index_t g) { return zero_point(g); });
}

}  // namespace bitgauge
