#pragma once

/// \file
/// The products of adapters: any storage orders, compiled once for a scalar type.

#include <bitgauge/training/numbers.hpp>

namespace bitgauge::detail {

/// Where a product goes: one of the two steps is 1.
template <class Scalar>
struct product_view {
  Scalar* data = nullptr;
  index_t rows = 0, cols = 0, row_step = 0, col_step = 0;
};

template <class Scalar, int Rows, int Cols, int Options>
product_view<Scalar> product_view_of(Eigen::Matrix<Scalar, Rows, Cols, Options>& m) noexcept {
  constexpr bool by_rows = (static_cast<unsigned>(Options) & static_cast<unsigned>(Eigen::RowMajor)) != 0;
  return {m.data(), m.rows(), m.cols(), by_rows ? m.cols() : 1, by_rows ? 1 : m.rows()};
}
template <class Scalar, int Rows, int Cols, int Options>
number_view<Scalar> number_view_of(const Eigen::Matrix<Scalar, Rows, Cols, Options>& m) noexcept {
  constexpr bool by_rows = (static_cast<unsigned>(Options) & static_cast<unsigned>(Eigen::RowMajor)) != 0;
  return {m.data(), m.rows(), m.cols(), by_rows ? m.cols() : 1, by_rows ? 1 : m.rows()};
}

/// c += factor a b. What is not contiguous along the dimension that is summed over is copied first.
BITGAUGE_DECLARE void add_product(const product_view<float>& c, double factor, const number_view<float>& a,
                                  const number_view<float>& b);
BITGAUGE_DECLARE void add_product(const product_view<double>& c, double factor, const number_view<double>& a,
                                  const number_view<double>& b);

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/training/products_definitions.hpp>
#endif
