#pragma once

/// \file
/// Matrices where they lie, as the dense routines see them: one type for a scalar type, so that nothing is
/// compiled once for each kind of Eigen expression.

#include <bitgauge/base/config.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace bitgauge::numeric {

/// Columns of `rows` contiguous numbers each, `stride` apart. Copies are shallow.
template <class Scalar>
struct matrix_view {
  Scalar* data = nullptr;
  index_t rows = 0, cols = 0, stride = 0;

  Scalar* column(index_t c) const noexcept { return data + c * stride; }
  Scalar& operator()(index_t r, index_t c) const noexcept { return data[c * stride + r]; }
  matrix_view block(index_t row, index_t col, index_t height, index_t width) const noexcept {
    return {data + col * stride + row, height, width, stride};
  }
  operator matrix_view<const Scalar>() const noexcept
  requires(!std::is_const_v<Scalar>)
  {
    return {data, rows, cols, stride};
  }
};

template <class Scalar>
using dense_matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

template <class Scalar>
matrix_view<Scalar> view_of(dense_matrix<Scalar>& m) noexcept {
  return {m.data(), m.rows(), m.cols(), m.rows()};
}
template <class Scalar>
matrix_view<const Scalar> view_of(const dense_matrix<Scalar>& m) noexcept {
  return {m.data(), m.rows(), m.cols(), m.rows()};
}

/// A matrix that owns its numbers, row after row.
template <class Scalar>
class row_major_matrix {
 public:
  row_major_matrix() = default;
  /// The numbers are indeterminate.
  row_major_matrix(index_t rows, index_t cols) { resize(rows, cols); }
  row_major_matrix(const row_major_matrix& other) : row_major_matrix(other.rows_, other.cols_) {
    std::copy_n(other.row(0), rows_ * cols_, row(0));
  }
  row_major_matrix(row_major_matrix&& other) noexcept { swap(*this, other); }
  row_major_matrix& operator=(row_major_matrix other) noexcept {
    swap(*this, other);
    return *this;
  }
  ~row_major_matrix() = default;

  friend void swap(row_major_matrix& a, row_major_matrix& b) noexcept {
    std::swap(a.rows_, b.rows_);
    std::swap(a.cols_, b.cols_);
    std::swap(a.room_, b.room_);
    std::swap(a.values_, b.values_);
  }

  /// Gives it another shape; the numbers are then indeterminate.
  void resize(index_t rows, index_t cols) {
    rows_ = rows;
    cols_ = cols;
    if (rows * cols <= room_) return;
    room_ = rows * cols;
    values_.reset(new Scalar[static_cast<std::size_t>(room_)]);
  }
  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  Scalar* row(index_t r) noexcept { return values_.get() + r * cols_; }
  const Scalar* row(index_t r) const noexcept { return values_.get() + r * cols_; }
  Scalar& operator()(index_t r, index_t c) noexcept { return row(r)[c]; }
  const Scalar& operator()(index_t r, index_t c) const noexcept { return row(r)[c]; }
  void fill(Scalar value) noexcept { std::fill_n(row(0), rows_ * cols_, value); }

  /// The rows as the columns of a view.
  matrix_view<Scalar> transposed() noexcept { return {row(0), cols_, rows_, cols_}; }
  matrix_view<const Scalar> transposed() const noexcept { return {row(0), cols_, rows_, cols_}; }

 private:
  index_t rows_ = 0, cols_ = 0, room_ = 0;
  std::unique_ptr<Scalar[]> values_;
};

}  // namespace bitgauge::numeric
