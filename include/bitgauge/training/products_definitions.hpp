#pragma once

/// \file
/// What products.hpp declares.

#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/training/products.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::detail {

/// `m` with columns that are contiguous: where it lies, or copied into `room`, tile by tile.
template <class Scalar>
numeric::matrix_view<const Scalar> contiguous_columns(const number_view<Scalar>& m,
                                                      std::vector<Scalar>& room) {
  if (m.row_step == 1 || m.rows <= 1) return {m.data, m.rows, m.cols, m.cols <= 1 ? m.rows : m.col_step};
  constexpr index_t side = 32;
  room.resize(as_size(m.rows * m.cols));
  for (index_t r = 0; r < m.rows; r += side)
    for (index_t c = 0; c < m.cols; c += side)
      for (index_t j = c; j < std::min(m.cols, c + side); ++j)
        for (index_t i = r; i < std::min(m.rows, r + side); ++i) room[as_size(j * m.rows + i)] = m(i, j);
  return {room.data(), m.rows, m.cols, m.rows};
}

template <class Scalar>
void add_product_of(const product_view<Scalar>& c, double factor, const number_view<Scalar>& a,
                    const number_view<Scalar>& b) {
  if (c.rows == 0 || c.cols == 0 || a.cols == 0) return;
  std::vector<Scalar> left_room, right_room;
  const auto left = contiguous_columns(a.transposed(), left_room), right = contiguous_columns(b, right_room);
  const auto scale = static_cast<Scalar>(factor);
  if (c.row_step == 1) {
    numeric::add_product<Scalar>({c.data, c.rows, c.cols, c.col_step}, scale, left, right);
  } else {
    numeric::add_product<Scalar>({c.data, c.cols, c.rows, c.row_step}, scale, right, left);
  }
}

BITGAUGE_DEFINE void add_product(const product_view<float>& c, double factor, const number_view<float>& a,
                                 const number_view<float>& b) {
  add_product_of(c, factor, a, b);
}
BITGAUGE_DEFINE void add_product(const product_view<double>& c, double factor, const number_view<double>& a,
                                 const number_view<double>& b) {
  add_product_of(c, factor, a, b);
}

}  // namespace bitgauge::detail
