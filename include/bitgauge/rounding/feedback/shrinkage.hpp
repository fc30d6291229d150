#pragma once

/// \file
/// How far a Hessian of few samples is to be trusted.

#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <algorithm>

namespace bitgauge::detail {

/// The share rho of its diagonal that a Hessian S of n samples of p inputs is best mixed with, for an
/// estimate (1 - rho) S + rho diag(S) of what more samples would give: the oracle approximating intensity
///
///     rho = ((1 - 2/p) tr(S^2) + tr(S)^2) / ((n + 1 - 2/p) (tr(S^2) - tr(S)^2 / p))
///
/// (Chen, Wiesel, Eldar, Hero: Shrinkage algorithms for MMSE covariance estimation, IEEE Trans. Signal
/// Processing 58, 2010, eq. 23, whose target is the mean diagonal; the diagonal itself keeps how much each
/// input counts). At most a half; 0 where the number of samples is not known. Cost: p^2 multiplications.
template <class Scalar>
Scalar shrinkage(const hessian& h) {
  if (h.samples() < 1) return 0;
  const double p = static_cast<double>(h.inputs()), n = static_cast<double>(h.samples());
  // a power of two common to all elements drops out, and keeps their squares from overflowing
  double trace = 0, energy = 0;
  for (index_t c = 0; c < h.inputs(); ++c) trace += h.matrix()(c, c);
  const double by = normalizer_of(trace);
  trace *= by;
  for (index_t c = 0; c < h.inputs(); ++c)
    for (index_t r = 0; r < h.inputs(); ++r) energy += by * h.matrix()(r, c) * (by * h.matrix()(r, c));
  const double mixed = (1 - 2 / p) * energy + trace * trace;
  const double own = (n + 1 - 2 / p) * (energy - trace * trace / p);
  return static_cast<Scalar>(own > 2 * mixed ? mixed / own : 0.5);
}

}  // namespace bitgauge::detail
