#pragma once

/// \file
/// The factor of a symmetric positive definite matrix.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/triangular.hpp>
#include <bitgauge/numeric/dense/view.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge::numeric {

namespace detail {

/// The upper half of `a`, a few columns wide, into u with a = u^T u. False where a pivot is not positive.
template <class Scalar>
bool factor_corner(matrix_view<Scalar> a) {
  for (index_t j = 0; j < a.cols; ++j)
    for (index_t i = 0; i <= j; ++i) {
      Scalar sum = a(i, j);
      for (index_t k = 0; k < i; ++k) sum -= a(k, i) * a(k, j);
      if (i == j && !(sum > 0)) return false;
      a(i, j) = i == j ? std::sqrt(sum) : sum / a(i, i);
    }
  return true;
}

}  // namespace detail

/// Factors a symmetric positive definite matrix, given by its upper half, in place into a = u^T u with u
/// upper triangular: tile by tile of `width`, the tiles right of and below a diagonal tile in parallel (Golub
/// and Van Loan, Matrix Computations, 4.2.9). Every tile is computed by one thread in a fixed order. What was
/// found of a tile is handed to finish(tile, whether it is diagonal), unless null, before others are computed
/// from it. The lower half is left with numbers of no meaning. Returns false where a pivot is not positive.
/// Cost: n^3 / 3 multiplications and as many additions.
template <class Scalar>
bool factor_upper(matrix_view<Scalar> a, index_t width, int threads,
                  void (*finish)(matrix_view<Scalar>, bool) = nullptr) {
  const index_t n = a.rows;
  for (index_t k = 0; k < n; k += width) {
    const index_t b = std::min(width, n - k), right = k + b, rest = n - right;
    const matrix_view<Scalar> corner = a.block(k, k, b, b);
    if (!(b <= detail::corner_width ? detail::factor_corner(corner)
                                    : factor_upper(corner, detail::corner_width, 1)))
      return false;
    if (finish != nullptr) finish(corner, true);
    const index_t tiles = (rest + width - 1) / width;
    const auto tile = [&](index_t row, index_t height, index_t j) {
      return a.block(row, right + j * width, height, std::min(width, rest - j * width));
    };
    parallel_for(tiles, threads, [&](index_t j) {
      solve_transposed(corner, tile(k, b, j));
      if (finish != nullptr) finish(tile(k, b, j), false);
    });
    parallel_for(tiles, threads, [&](index_t j) {
      for (index_t i = 0; i <= j; ++i)
        subtract_product(tile(right + i * width, std::min(width, rest - i * width), j), tile(k, b, i),
                         tile(k, b, j));
    });
  }
  return true;
}

}  // namespace bitgauge::numeric
