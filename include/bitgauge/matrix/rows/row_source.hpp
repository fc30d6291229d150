#pragma once

/// \file
/// The thin shell around every Eigen input: the core sees rows of float.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/simd/portable/columns.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace bitgauge {

/// The element types a matrix to be quantized may have.
template <class Scalar>
concept real_scalar = std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double> ||
                      std::is_same_v<Scalar, Eigen::half> || std::is_same_v<Scalar, Eigen::bfloat16>;

namespace detail {

template <real_scalar Scalar>
float to_float(Scalar x) noexcept {
  if constexpr (std::is_same_v<Scalar, Eigen::half>) {
    return numeric::half_to_float(std::bit_cast<std::uint16_t>(x));
  } else if constexpr (std::is_same_v<Scalar, Eigen::bfloat16>) {
    return numeric::bfloat16_to_float(std::bit_cast<std::uint16_t>(x));
  } else {
    return static_cast<float>(x);
  }
}

}  // namespace detail

/// Rows of float over memory that belongs to someone else, such as a mapped file: element (r, c) is at data +
/// r * row_step + c * col_step.
class row_source {
 public:
  template <real_scalar Scalar>
  row_source(const Scalar* data, index_t rows, index_t cols, index_t row_step, index_t col_step)
      : data_(data),
        rows_(rows),
        cols_(cols),
        row_step_(row_step),
        col_step_(col_step),
        scalar_bytes_(sizeof(Scalar)),
        copy_(&copy<Scalar>) {
    in_place_ = std::is_same_v<Scalar, float> && (col_step == 1 || cols <= 1);
  }

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }

  /// The rows first .. first + count - 1.
  row_source middle_rows(index_t first, index_t count) const noexcept {
    row_source part = *this;
    part.data_ = static_cast<const std::byte*>(data_) + first * row_step_ * scalar_bytes_;
    part.rows_ = count;
    return part;
  }

  /// Rows that are best read or written together. Where they have to be transposed, more of them use more of
  /// each column before the next one, some pages away, is touched; 4 MiB of them stay in a cache.
  static constexpr index_t panel_height(bool in_place, index_t cols) noexcept {
    constexpr index_t least = 32, most = 256, floats = index_t{1} << 20;
    return in_place ? least : std::clamp(floats / std::max<index_t>(cols, 1) / least * least, least, most);
  }
  /// Of this matrix: lower where there would be few panels for threads to share.
  index_t panel_height() const noexcept {
    constexpr index_t few = 8, low = 128;
    const index_t height = panel_height(in_place_, cols_);
    return rows_ < few * height ? std::min(height, low) : height;
  }

  /// True where columns of float are contiguous and rows are not: what goes down columns needs no copy.
  bool lies_by_columns() const noexcept { return copy_ == &copy<float> && row_step_ == 1 && !in_place_; }
  /// Rows that are best gone through together by columns, `cols` of them before they are read again: many use more of
  /// a page before the next, and few stay in a cache. Lower where there would be few panels for threads to share.
  index_t column_panel_height(index_t cols) const noexcept {
    constexpr index_t least = 64, most = 128, floats = index_t{1} << 19, few = 8;
    const index_t height = std::clamp(floats / std::max<index_t>(cols, 1) / least * least, least, most);
    return rows_ < few * height ? least : height;
  }
  /// How many rows after row `first` a panel of columns best begins: at a cache line, and not at a multiple of 512
  /// bytes. (Panels that fill blocks of 512 bytes take up to a third longer to read on some machines, as if the blocks
  /// of all columns, a power of two apart, came from few channels of memory.)
  index_t rows_to_panel(index_t first) const noexcept {
    constexpr std::uintptr_t block = 512, within = 192, bytes = sizeof(float);
    const auto address = reinterpret_cast<std::uintptr_t>(static_cast<const float*>(data_) + first);
    return static_cast<index_t>((block + within - address % block) % block / bytes);
  }
  /// Part of a matrix that lies_by_columns(), of which all columns behind are read next.
  simd::column_panel columns(index_t first, index_t count, index_t column, index_t width) const noexcept {
    return {.x = static_cast<const float*>(data_) + first + column * col_step_,
            .stride = col_step_,
            .rows = count,
            .cols = width,
            .behind = cols_ - column - width};
  }

  /// Columns as the rows of a matrix that lies by columns, where rows are in_place().
  simd::column_panel rows_as_columns(index_t column, index_t width) const noexcept {
    return {
        .x = static_cast<const float*>(data_) + column, .stride = row_step_, .rows = width, .cols = rows_};
  }

  /// Part of some rows, each contiguous in itself, `stride` floats apart.
  struct panel {
    const float* data;
    index_t stride;
    const float* row(index_t i) const noexcept { return data + i * stride; }
  };
  /// Room in `scratch` for `count` rows that are `stride` floats apart, from a cache line on: a vector that is read or
  /// written touches one line then.
  static float* room_for(index_t count, index_t stride, std::vector<float>& scratch) {
    constexpr std::size_t line = 64;
    scratch.resize(static_cast<std::size_t>(count * stride) + line / sizeof(float));
    const std::size_t beyond = reinterpret_cast<std::uintptr_t>(scratch.data()) % line;
    return scratch.data() + (beyond > 0 ? (line - beyond) / sizeof(float) : 0);
  }

  /// The same in huge pages where there are many rows: each is another page that is written now and then.
  static float* room_for(index_t count, index_t stride, detail::aligned_buffer<float>& scratch) {
    return scratch.reserve(static_cast<std::size_t>(count * stride));
  }

  /// `count` rows from `first` on. Points into the matrix where it holds rows of float, else copies into
  /// `scratch`, a vector or aligned_buffer of float.
  template <class Scratch>
  panel read(index_t first, index_t count, Scratch& scratch) const {
    return read(first, count, 0, cols_, scratch);
  }
  /// Of those rows, `width` columns from `column` on.
  template <class Scratch>
  panel read(index_t first, index_t count, index_t column, index_t width, Scratch& scratch) const {
    if (in_place_) return {static_cast<const float*>(data_) + first * row_step_ + column, row_step_};
    const index_t stride = count > 1 ? simd::transpose_stride(width) : width;
    float* const rows = room_for(count, stride, scratch);
    copy_(*this, first, count, column, width, rows, stride);
    return {rows, stride};
  }
  /// Where `row` lies, for fetching it ahead, or nullptr where it is not there to be read in place.
  const float* in_place(index_t row) const noexcept {
    return in_place_ && row < rows_ ? static_cast<const float*>(data_) + row * row_step_ : nullptr;
  }
  /// All elements as one sequence, row after row, or nullptr where they do not lie so.
  const float* contiguous() const noexcept {
    return in_place_ && (row_step_ == cols_ || rows_ <= 1) ? static_cast<const float*>(data_) : nullptr;
  }

 private:
  template <class Scalar>
  static void copy(const row_source& from, index_t first, index_t count, index_t column, index_t width,
                   float* out, index_t stride) {
    const Scalar* data =
        static_cast<const Scalar*>(from.data_) + first * from.row_step_ + column * from.col_step_;
    if constexpr (std::is_same_v<Scalar, float>) {
      if (from.row_step_ == 1) return simd::transpose(data, from.col_step_, count, width, out, stride, false);
    }
    if (from.row_step_ == 1) {  // column by column, in the order of memory
      for (index_t c = 0; c < width; ++c)
        for (index_t r = 0; r < count; ++r)
          out[r * stride + c] = detail::to_float(data[c * from.col_step_ + r]);
    } else {
      for (index_t r = 0; r < count; ++r)
        for (index_t c = 0; c < width; ++c)
          out[r * stride + c] = detail::to_float(data[r * from.row_step_ + c * from.col_step_]);
    }
  }

  const void* data_;
  index_t rows_, cols_, row_step_, col_step_, scalar_bytes_;
  void (*copy_)(const row_source&, index_t first, index_t count, index_t column, index_t width, float* out,
                index_t stride);
  bool in_place_ = false;
};

/// What quantizing and measuring read: an Eigen matrix, array, map or expression, or rows that lie elsewhere.
template <class Matrix>
concept row_readable = std::same_as<Matrix, row_source> || detail::dense_input<Matrix>;

namespace detail {

/// A compile-time column vector is quantized along its length, as a matrix of one row would be.
template <class Derived>
inline constexpr bool is_column_vector = Derived::ColsAtCompileTime == 1 && Derived::RowsAtCompileTime != 1;

template <>
inline constexpr bool is_column_vector<row_source> = false;

/// True where the elements of a matrix can be addressed by two strides. (Eigen's indexed views of sequences
/// claim so, but have no data().)
template <class Derived>
inline constexpr bool is_addressable =
    (static_cast<unsigned>(Derived::Flags) & static_cast<unsigned>(Eigen::DirectAccessBit)) != 0 &&
    requires(const Derived& x) {
      x.data();
      x.innerStride();
      x.outerStride();
    };

template <class Action>
decltype(auto) with_rows(const row_source& input, const Action& action) {
  return action(input);
}
/// Calls action(row_source) on `input`, reading it in place where its memory can be addressed and evaluating
/// an expression exactly once.
template <class Derived, class Action>
decltype(auto) with_rows(const Eigen::DenseBase<Derived>& input, const Action& action) {
  static_assert(
      real_scalar<typename Derived::Scalar>,
      "bitgauge quantizes float, double, Eigen::half and Eigen::bfloat16: convert with .cast<float>(), or "
      "take .real() and .imag() one by one");
  if constexpr (is_addressable<Derived>) {
    const Derived& x = input.derived();
    if constexpr (is_column_vector<Derived>) {
      return action(row_source(x.data(), 1, x.rows(), x.rows(), x.innerStride()));
    } else if constexpr (Derived::IsRowMajor) {
      return action(row_source(x.data(), x.rows(), x.cols(), x.outerStride(), x.innerStride()));
    } else {
      return action(row_source(x.data(), x.rows(), x.cols(), x.innerStride(), x.outerStride()));
    }
  } else {
    const typename Derived::PlainObject evaluated = input.derived();
    return with_rows(evaluated, action);
  }
}

}  // namespace detail
}  // namespace bitgauge
