#pragma once

/// \file
/// The product of two matrices, compiled once for a scalar type: each shape and storage order that Eigen is
/// asked for costs most of a second.

#include <bitgauge/numeric/dense/view.hpp>

namespace bitgauge::numeric {

/// c += factor a^T b, c rows x cols, a depth x rows, b depth x cols; none may overlap c. Not called from several
/// threads by Eigen itself where serial_products says so. Cost: rows * cols * depth multiplications.
template <class Scalar>
void add_product(matrix_view<Scalar> c, std::type_identity_t<Scalar> factor,
                 std::type_identity_t<matrix_view<const Scalar>> a,
                 std::type_identity_t<matrix_view<const Scalar>> b);

/// c -= a^T b, with the shapes of add_product.
template <class Scalar>
void subtract_product(matrix_view<Scalar> c, std::type_identity_t<matrix_view<const Scalar>> a,
                      std::type_identity_t<matrix_view<const Scalar>> b) {
  add_product<Scalar>(c, Scalar(-1), a, b);
}

/// c = a^T b, with the shapes of add_product.
template <class Scalar>
void multiply(matrix_view<Scalar> c, std::type_identity_t<matrix_view<const Scalar>> a,
              std::type_identity_t<matrix_view<const Scalar>> b);

}  // namespace bitgauge::numeric

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/numeric/dense/product_definitions.hpp>
#endif
