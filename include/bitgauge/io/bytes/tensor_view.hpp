#pragma once

/// \file
/// A tensor where it lies in its file, and its way into and out of Eigen.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/dtype.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// Whether the last index of stored elements runs fastest (row-major, C) or the first (column-major,
/// Fortran).
enum class storage_order { row_major, column_major };

/// A tensor of plain numbers: `data` points into the file's mapping and is valid as long as the file object
/// or a copy of it lives.
struct tensor_view {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::uint64_t> shape;  ///< outermost first; empty for a single number
  std::span<const std::byte> data;   ///< little-endian elements, at any alignment
  storage_order order = storage_order::row_major;

  /// The number of elements: the product of the shape.
  std::uint64_t element_count() const noexcept { return data.size() * 8 / traits_of(type).bits; }
};

/// The dtype that holds an Eigen scalar as it is: float, double, Eigen::half, Eigen::bfloat16, an integer or
/// bool.
template <class Scalar>
inline constexpr dtype dtype_of = [] {
  if constexpr (std::is_same_v<Scalar, double>) return dtype::f64;
  if constexpr (std::is_same_v<Scalar, float>) return dtype::f32;
  if constexpr (std::is_same_v<Scalar, Eigen::half>) return dtype::f16;
  if constexpr (std::is_same_v<Scalar, Eigen::bfloat16>) return dtype::bf16;
  if constexpr (std::is_same_v<Scalar, bool>) return dtype::boolean;
  if constexpr (std::is_integral_v<Scalar>) {
    constexpr bool is_signed = std::is_signed_v<Scalar>;
    switch (sizeof(Scalar)) {
      case 1:
        return is_signed ? dtype::i8 : dtype::u8;
      case 2:
        return is_signed ? dtype::i16 : dtype::u16;
      case 4:
        return is_signed ? dtype::i32 : dtype::u32;
      default:
        return is_signed ? dtype::i64 : dtype::u64;
    }
  }
}();

namespace detail {

/// Eigen's element whose stored bytes are `bytes`.
template <class Scalar>
Scalar load_scalar(const std::byte* bytes) noexcept {
  if constexpr (std::is_same_v<Scalar, bool>)
    return *bytes != std::byte{0};
  else if constexpr (std::is_arithmetic_v<Scalar>)
    return from_little_endian<Scalar>(bytes);
  else
    return Eigen::numext::bit_cast<Scalar>(from_little_endian<std::uint16_t>(bytes));
}

template <class Scalar>
auto store_scalar(Scalar value) noexcept {
  if constexpr (std::is_same_v<Scalar, bool>)
    return to_little_endian(static_cast<std::uint8_t>(value));
  else if constexpr (std::is_arithmetic_v<Scalar>)
    return to_little_endian(value);
  else
    return to_little_endian(Eigen::numext::bit_cast<std::uint16_t>(value));
}

/// The shape of a tensor as messages show it.
inline std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + excerpt(text) + "]";
}

/// One dimension as Eigen counts it, equal to `fixed` where that is not Eigen::Dynamic.
inline index_t matrix_extent(const std::string& name, const char* what, std::uint64_t size, int fixed) {
  if (size > static_cast<std::uint64_t>(std::numeric_limits<index_t>::max()) ||
      (fixed != Eigen::Dynamic && size != static_cast<std::uint64_t>(fixed))) {
    const std::string expected = fixed == Eigen::Dynamic ? "at most 2^63 - 1" : std::to_string(fixed);
    raise(shape_error(excerpt(name) + ": " + what + ": expected " + expected + ", found " +
                      std::to_string(size)));
  }
  return static_cast<index_t>(size);
}

}  // namespace detail

/// Copies a tensor of at most two dimensions into a matrix. A matrix of float or double takes elements of
/// every type; any other scalar takes its own type alone. One dimension becomes a column, or a row where
/// Matrix is a row vector. Raises shape_error for more dimensions or a fixed size that differs, data_error
/// for another element type.
template <class Matrix>
Matrix to_matrix(const tensor_view& tensor) {
  using scalar = typename Matrix::Scalar;
  if (tensor.shape.size() > 2) {
    raise(shape_error(excerpt(tensor.name) + ": a matrix has at most 2 dimensions, found " +
                      std::to_string(tensor.shape.size())));
  }
  std::uint64_t rows = tensor.shape.empty() ? 1 : tensor.shape.front();
  std::uint64_t cols = tensor.shape.size() < 2 ? 1 : tensor.shape.back();
  if (tensor.shape.size() == 1 && Matrix::RowsAtCompileTime == 1) std::swap(rows, cols);

  using row_major = Eigen::Matrix<scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using column_major = Eigen::Matrix<scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
  const index_t row_count = detail::matrix_extent(tensor.name, "rows", rows, Matrix::RowsAtCompileTime);
  const index_t col_count = detail::matrix_extent(tensor.name, "columns", cols, Matrix::ColsAtCompileTime);
  if (tensor.element_count() != rows * cols) {
    raise(shape_error(excerpt(tensor.name) + ": its shape needs " + std::to_string(rows * cols) +
                      " elements, found " + std::to_string(tensor.element_count())));
  }
  if constexpr (Matrix::SizeAtCompileTime == Eigen::Dynamic) {
    // No loop over the other extent, which may be anything.
    if (row_count == 0 || col_count == 0) return Matrix(row_count, col_count);
  }
  const auto copy_into = [&](auto stored) -> Matrix {
    stored.resize(row_count, col_count);
    const auto count = static_cast<std::size_t>(stored.size());
    if constexpr (std::is_floating_point_v<scalar>) {
      if (!has_values(tensor.type))
        raise(data_error(tensor.name + ": expected elements that are numbers, found " +
                         std::string(name_of(tensor.type))));
      convert_to(tensor.type, tensor.data.data(), count, stored.data());
    } else {
      if (tensor.type != dtype_of<scalar>) {
        raise(data_error(excerpt(tensor.name) + ": expected elements of type " +
                         std::string(name_of(dtype_of<scalar>)) + ", found " +
                         std::string(name_of(tensor.type))));
      }
      for (std::size_t i = 0; i < count; ++i) {
        stored.data()[i] = detail::load_scalar<scalar>(tensor.data.data() + i * size_of(tensor.type));
      }
    }
    return stored;
  };
  return tensor.order == storage_order::row_major ? copy_into(row_major()) : copy_into(column_major());
}

/// The bytes of a tensor in C order: the last index runs fastest. A copy.
inline std::vector<std::byte> row_major_bytes(const tensor_view& tensor) {
  std::vector<std::byte> turned(tensor.data.begin(), tensor.data.end());
  const std::uint64_t width = size_of(tensor.type);
  std::vector<std::uint64_t> index(tensor.shape.size());
  if (tensor.order == storage_order::row_major || index.size() < 2) return turned;
  std::uint64_t from = 0;
  for (std::size_t at = 0; at < turned.size(); at += width) {
    std::memcpy(turned.data() + at, tensor.data.data() + from * width, width);
    std::uint64_t step = tensor.element_count();  // in the stored order, of the dimension that goes on
    for (std::size_t i = index.size(); i-- > 0;) {
      step /= tensor.shape[i];
      from += step;
      if (++index[i] < tensor.shape[i]) break;
      from -= step * tensor.shape[i];
      index[i] = 0;
    }
  }
  return turned;
}

/// Hands the elements of a matrix or expression, row by row and in bounded pieces, to `sink(std::span<const
/// std::byte>)` as little-endian bytes. An expression is evaluated once.
template <class Derived, class Sink>
void write_elements(const Eigen::DenseBase<Derived>& matrix, Sink&& sink) {
  using scalar = typename Derived::Scalar;
  std::array<std::byte, 4096 * sizeof(scalar)> buffer;
  std::size_t filled = 0;
  if (matrix.size() == 0) return;
  const auto& evaluated = matrix.derived().eval();  // a plain matrix is not copied
  for (index_t row = 0; row < evaluated.rows(); ++row) {
    for (index_t col = 0; col < evaluated.cols(); ++col) {
      const auto bytes = detail::store_scalar<scalar>(evaluated(row, col));
      std::memcpy(buffer.data() + filled, bytes.data(), bytes.size());
      filled += bytes.size();
      if (filled < buffer.size()) continue;
      sink(std::span<const std::byte>(buffer));
      filled = 0;
    }
  }
  if (filled > 0) sink(std::span<const std::byte>(buffer.data(), filled));
}

}  // namespace bitgauge::io
