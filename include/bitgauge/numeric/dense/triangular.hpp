#pragma once

/// \file
/// Systems of equations with a triangular matrix.

#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/view.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::numeric {

namespace detail {

inline constexpr index_t corner_width = 16;

/// Solves u x = b, or u^T x = b where Transposed, in place, u no wider than corner_width: eight columns of x
/// side by side.
template <bool Transposed, class Scalar>
[[gnu::noinline]] void solve_corner(matrix_view<const Scalar> u, matrix_view<Scalar> x) {
  constexpr index_t lanes = 8;
  const index_t n = u.rows;
  Scalar inverse[corner_width], panel[corner_width][lanes];
  for (index_t i = 0; i < n; ++i) inverse[i] = 1 / u(i, i);
  for (index_t first = 0; first < x.cols; first += lanes) {
    const index_t count = std::min(lanes, x.cols - first);
    for (index_t i = 0; i < n; ++i)
      for (index_t l = 0; l < lanes; ++l) panel[i][l] = l < count ? x(i, first + l) : Scalar(0);
    for (index_t step = 0; step < n; ++step) {
      const index_t i = Transposed ? step : n - 1 - step;
      const index_t begin = Transposed ? 0 : i + 1, end = Transposed ? i : n;
      Scalar sum[lanes];
      for (index_t l = 0; l < lanes; ++l) sum[l] = panel[i][l];
      for (index_t k = begin; k < end; ++k) {
        const Scalar factor = Transposed ? u(k, i) : u(i, k);
        for (index_t l = 0; l < lanes; ++l) sum[l] -= factor * panel[k][l];
      }
      for (index_t l = 0; l < lanes; ++l) panel[i][l] = sum[l] * inverse[i];
    }
    for (index_t l = 0; l < count; ++l)
      for (index_t i = 0; i < n; ++i) x(i, first + l) = panel[i][l];
  }
}

}  // namespace detail

/// x = u^-T x, u upper triangular. Cost: n^2 / 2 multiplications a column of x.
template <class Scalar>
void solve_transposed(std::type_identity_t<matrix_view<const Scalar>> u, matrix_view<Scalar> x) {
  for (index_t begin = 0; begin < u.rows; begin += detail::corner_width) {
    const index_t width = std::min(detail::corner_width, u.rows - begin);
    const matrix_view<Scalar> own = x.block(begin, 0, width, x.cols);
    if (begin > 0) subtract_product(own, u.block(0, begin, begin, width), x.block(0, 0, begin, x.cols));
    detail::solve_corner<true, Scalar>(u.block(begin, begin, width, width), own);
  }
}

/// x = u^-1 x, u upper triangular. Cost: n^2 / 2 multiplications a column of x.
template <class Scalar>
void solve(std::type_identity_t<matrix_view<const Scalar>> u, matrix_view<Scalar> x) {
  std::vector<Scalar> above;
  for (index_t end = u.rows; end > 0;) {
    const index_t begin = (end - 1) / detail::corner_width * detail::corner_width, width = end - begin;
    const matrix_view<Scalar> own = x.block(begin, 0, width, x.cols);
    detail::solve_corner<false, Scalar>(u.block(begin, begin, width, width), own);
    if (begin > 0) {
      above.resize(static_cast<std::size_t>(width * begin));
      for (index_t c = 0; c < width; ++c)
        for (index_t r = 0; r < begin; ++r) above[static_cast<std::size_t>(r * width + c)] = u(r, begin + c);
      subtract_product(x.block(0, 0, begin, x.cols), {above.data(), width, begin, width}, own);
    }
    end = begin;
  }
}

}  // namespace bitgauge::numeric
