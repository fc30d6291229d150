#pragma once

/// \file
/// The best weights without a grid where a layer's inputs already come from quantized layers.

#include <bitgauge/numeric/dense/triangular.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>

namespace bitgauge::detail {

/// (C + A) (H + A)^-1, by which rows of weights are multiplied; A is the damping, which here draws towards
/// the original weights. `by`: what the factored Hessian was multiplied by.
template <class Scalar>
dense_matrix<Scalar> correction(const paired_hessian& pair, double by,
                                const feedback_factor<Scalar>& factor) {
  const index_t n = factor.upper.rows();
  dense_matrix<Scalar> all(n, n), ordered(n, n);  // ordered: the transpose, in the order of processing
  for (index_t c = 0; c < n; ++c) {
    for (index_t r = 0; r < n; ++r) all(r, c) = static_cast<Scalar>(by * pair.cross()(r, c));
    all(c, c) += static_cast<Scalar>(factor.added(c));
  }
  for (index_t c = 0; c < n; ++c)
    for (index_t i = 0; i < n; ++i) ordered(i, c) = all(c, factor.order[static_cast<std::size_t>(i)]);
  numeric::solve(numeric::view_of(factor.upper), numeric::view_of(ordered));
  numeric::solve_transposed(numeric::view_of(factor.upper), numeric::view_of(ordered));
  for (index_t c = 0; c < n; ++c)
    for (index_t i = 0; i < n; ++i) all(c, factor.order[static_cast<std::size_t>(i)]) = ordered(i, c);
  return all;
}

}  // namespace bitgauge::detail
