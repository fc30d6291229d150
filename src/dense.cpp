// Products of matrices, in either precision.

#include <bitgauge/numeric/dense/product_definitions.hpp>

namespace bitgauge::numeric {

#define BITGAUGE_PRODUCTS(Scalar)                                                           \
  template void add_product<Scalar>(matrix_view<Scalar>, Scalar, matrix_view<const Scalar>, \
                                    matrix_view<const Scalar>);                             \
  template void multiply<Scalar>(matrix_view<Scalar>, matrix_view<const Scalar>, matrix_view<const Scalar>);

BITGAUGE_PRODUCTS(float)
BITGAUGE_PRODUCTS(double)

}  // namespace bitgauge::numeric
