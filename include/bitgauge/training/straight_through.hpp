#pragma once

/// \file
/// The gradient of rounding: straight through where a value can be represented, zero where it was clipped.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/training/numbers.hpp>

#include <algorithm>
#include <cstdint>
#include <span>

namespace bitgauge {

/// Where a gradient passes: one value an element.
using gradient_mask = Eigen::Array<bool, Eigen::Dynamic, Eigen::Dynamic>;

namespace detail {

/// The first and the last number that a code can stand for at scale 1: of a grid of integers codes, from which the
/// zero point is still to be taken; of other grids, and of signs, levels.
struct representable_numbers {
  bool integers = false;
  double lowest = -1, highest = 1;
};
/// Which values of a row are in the range that its groups' codes can represent: passes[c] is 1, else 0. On a grid of
/// integers those are the values that round to one of its codes (torch's fake_quantize: lowest <= rint(x / scale) +
/// zero point <= highest); on other grids, and of signs, those from the lowest level times the scale to the highest,
/// a last bit apart that the scale's own rounding may have taken.
BITGAUGE_DECLARE void representable_row(const float* x, index_t row, const quantized_matrix& q,
                                        const representable_numbers& numbers, std::uint8_t* passes);

inline representable_numbers numbers_of(const any_grid& grid) {
  if (const integer_grid* integer = grid.integer())
    return {!integer->is_sign_only(), static_cast<double>(integer->lowest),
            static_cast<double>(integer->highest)};
  const std::span<const double> levels = grid.levels().levels();
  return {false, levels.front(), levels.back()};
}
/// Every code of its width, and the finite levels: which of them a grid leaves out an encoding does not say.
inline representable_numbers numbers_of(const code_encoding& encoding) {
  if (encoding.is_sign_only) return {};
  if (encoding.levels.empty()) {
    const double lowest = encoding.is_signed ? -(1 << (encoding.bits - 1)) : 0;
    return {true, lowest, lowest + (1 << encoding.bits) - 1};
  }
  representable_numbers numbers{false, 0, 0};
  for (const float level : encoding.levels) {
    if (!numeric::is_finite(level)) continue;
    numbers.lowest = std::min(numbers.lowest, static_cast<double>(level));
    numbers.highest = std::max(numbers.highest, static_cast<double>(level));
  }
  return numbers;
}

}  // namespace detail

/// dy where the mask passes it, zero elsewhere (Bengio et al., Estimating or Propagating Gradients Through
/// Stochastic Neurons, 2013; clipped as by Courbariaux et al., BinaryNet, 2016). Raises shape_error where the two
/// differ, data_error for a gradient that is not finite. Cost: one pass.
template <class DY>
detail::plain_like<detail::scalar_of<DY>, DY> straight_through(const gradient_mask& mask,
                                                               const Eigen::DenseBase<DY>& dy) {
  using scalar = detail::scalar_of<DY>;
  detail::plain_like<scalar, DY> dx(mask.rows(), mask.cols());
  detail::with_numbers<scalar>(dy, [&](const detail::number_view<scalar>& g) {
    detail::require_gradient("straight_through", g, mask.rows(), mask.cols());
    for (index_t c = 0; c < mask.cols(); ++c)
      for (index_t r = 0; r < mask.rows(); ++r) dx(r, c) = mask(r, c) ? g(r, c) : scalar(0);
  });
  return dx;
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/training/straight_through_definitions.hpp>
#endif
