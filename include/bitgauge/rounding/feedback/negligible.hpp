#pragma once

/// \file
/// Zeroing what rounding hides, before it decays into subnormal numbers.

#include <bitgauge/base/config.hpp>

#include <algorithm>
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
template <class Scalar>
void drop_negligible(Scalar* x, index_t count) noexcept {
  for (index_t i = 0; i < count; ++i)
    if (std::fabs(x[i]) < negligible<Scalar>) x[i] = 0;
}

/// Zeroes what is negligible beside the largest magnitude, each weighed by its size.
template <class Scalar>
void drop_negligible(Scalar* x, const Scalar* sizes, index_t count) noexcept {
  Scalar largest = 0;
  for (index_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(x[i]) * sizes[i]);
  const Scalar least = negligible<Scalar> * largest;
  for (index_t i = 0; i < count; ++i)
    if (std::fabs(x[i]) * sizes[i] < least) x[i] = 0;
}

}  // namespace bitgauge::detail
