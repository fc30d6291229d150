#pragma once

/// \file
/// Sums and products of vectors, each eight elements side by side, which compilers turn into vectors of their
/// own at any level of optimisation; in a fixed order.

#include <bitgauge/base/config.hpp>

namespace bitgauge::numeric {

/// sum of a_i b_i.
template <class Scalar>
[[gnu::noinline]] Scalar dot(const Scalar* a, const Scalar* b, index_t count) noexcept {
  constexpr index_t lanes = 8;
  Scalar sums[lanes]{};
  index_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (index_t l = 0; l < lanes; ++l) sums[l] += a[i + l] * b[i + l];
  for (index_t l = 0; i < count; ++i, ++l) sums[l] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// y -= factor * x; the two may not overlap.
template <class Scalar>
[[gnu::noinline]] void subtract_multiple(Scalar* __restrict y, Scalar factor, const Scalar* __restrict x,
                                         index_t count) noexcept {
  constexpr index_t lanes = 8;
  index_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (index_t l = 0; l < lanes; ++l) y[i + l] -= factor * x[i + l];
  for (; i < count; ++i) y[i] -= factor * x[i];
}

}  // namespace bitgauge::numeric
