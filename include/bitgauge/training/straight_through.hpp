#pragma once

/// \file
/// The gradient of rounding: straight through where a value can be represented, zero where it was clipped.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/training/numbers.hpp>

#include <cstdint>
#include <functional>

namespace bitgauge {

/// Where a gradient passes: one value an element.
using gradient_mask = Eigen::Array<bool, Eigen::Dynamic, Eigen::Dynamic>;

namespace detail {

/// Which values of a row are in the range that its groups' codes can represent: passes[c] is 1, else 0. On a
/// grid of integers those are the values that round to one of its codes (torch's fake_quantize: lowest <=
/// rint(x / scale) + zero point <= highest); on other grids, and with one bit, the values of [lowest level,
/// highest level] * scale, a last bit apart that the scale's own rounding may have taken.
BITGAUGE_DECLARE void representable_row(const float* x, index_t row, const quantized_matrix& q,
                                        const any_grid& grid, std::uint8_t* passes);

}  // namespace detail

/// dy where the mask passes it, zero elsewhere (Bengio et al., Estimating or Propagating Gradients Through
/// Stochastic Neurons, 2013; clipped as by Courbariaux et al., BinaryNet, 2016). Raises shape_error where the two
/// differ, data_error for a gradient that is not finite. Cost: one pass.
template <class DY>
detail::plain_like<detail::scalar_of<DY>, DY> straight_through(const gradient_mask& mask,
                                                               const Eigen::DenseBase<DY>& dy) {
  using Scalar = detail::scalar_of<DY>;
  detail::plain_like<Scalar, DY> dx(mask.rows(), mask.cols());
  detail::with_numbers<Scalar>(dy, [&](const detail::number_view<Scalar>& g) {
    detail::require_gradient("straight_through", g, mask.rows(), mask.cols());
    for (index_t c = 0; c < mask.cols(); ++c)
      for (index_t r = 0; r < mask.rows(); ++r) dx(r, c) = mask(r, c) ? g(r, c) : Scalar(0);
  });
  return dx;
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/training/straight_through_definitions.hpp>
#endif
