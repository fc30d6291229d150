#pragma once

/// \file
/// Zeroing what rounding hides, before it decays into subnormal numbers.

#include <bitgauge/base/config.hpp>

#include <Eigen/Core>

#include <cmath>
#include <limits>

namespace bitgauge::detail {

/// Correlations between inputs that are far apart decay like a power of their distance, and soon into
/// subnormal numbers, on which processors are up to a hundred times slower. What is below this fraction of
/// what it is added to, the machine epsilon squared (2^-46 in float, 2^-104 in double), is taken for zero:
/// sums of even 2^20 such terms stay under the rounding error of one, and products of two that are kept are
/// normal numbers. This is arithmetic, the same on every processor; its control registers are left alone.
template <class Scalar>
inline constexpr Scalar negligible =
    std::numeric_limits<Scalar>::epsilon() * std::numeric_limits<Scalar>::epsilon();

/// x as a Scalar, or 0 where it is a negligible part of `scale`; never a subnormal on the way.
template <class Scalar>
Scalar kept(double x, double scale = 1) noexcept {
  return std::fabs(x) < static_cast<double>(negligible<Scalar>) * scale ? Scalar(0) : static_cast<Scalar>(x);
}

/// Zeroes what is negligible beside 1.
template <class Derived>
void drop_negligible(Eigen::MatrixBase<Derived>& x) {
  using scalar = typename Derived::Scalar;
  x = (x.array().abs() < negligible<scalar>).select(scalar(0), x);
}

/// Zeroes, in each row, what is negligible beside its largest magnitude, columns weighed by `sizes`.
template <class Derived, class Sizes>
void drop_negligible_in_rows(Eigen::MatrixBase<Derived>& x, const Eigen::MatrixBase<Sizes>& sizes) {
  using scalar = typename Derived::Scalar;
  for (index_t r = 0; r < x.rows(); ++r) {
    const auto weighed = x.row(r).cwiseAbs().cwiseProduct(sizes.transpose());
    const scalar least = negligible<scalar> * weighed.maxCoeff();
    x.row(r) = (weighed.array() < least).select(scalar(0), x.row(r));
  }
}

}  // namespace bitgauge::detail
