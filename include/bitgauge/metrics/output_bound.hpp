#pragma once

/// \file
/// The least error of a layer's outputs that any quantizer can have at a given number of bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <Eigen/Core>

#include <vector>

namespace bitgauge {

/// The rate-distortion bound of normal weights under a Hessian. A row of n weights of variance v, whose error e costs
/// e H e^T, is n independent numbers of variances v l_k, the l_k being the eigenvalues of H; at a water level t
///
///     error = sum over rows and k of min(t, v l_k)
///     bits a weight = mean over rows and k of max(0, log2(v l_k / t)) / 2
///
/// is the best that there is (Cover and Thomas, Elements of Information Theory, 10.3.3). Where all is above the water
/// this is bits = log2(det(v H) / t^n) / (2 n). Real weights that are not normal may lie below; by as much as their
/// own distribution allows.
///
///     const output_bound bound(H, W);
///     double away = q.bits_per_weight() - bound.bits(measure_output_error(W, q, H).error);   // in bits a weight
class output_bound {
 public:
  /// Rows have the variance of their weights about 0. Raises shape_error for a Hessian of another number of inputs than
  /// the matrix has columns. Cost: the eigenvalues of H, some 4 n^3 / 3 multiplications, by one thread.
  template <class Matrix>
  output_bound(const hessian& h, const Matrix& weights) {
    detail::with_rows(weights, [&](const row_source& rows) { set(h, rows); });
  }

  /// The least ||(W - Q) X||^2 over the samples of the Hessian at `bits` a weight, from 0 up.
  BITGAUGE_DECLARE double error(double bits) const;
  /// The least bits a weight at which the error can be that small: 0 where it is as large as that of no weights at all,
  /// infinity where it is 0.
  BITGAUGE_DECLARE double bits(double error) const;
  /// ||W X||^2 to expect: the error of 0 bits.
  double energy() const noexcept { return energy_; }

 private:
  BITGAUGE_DECLARE void set(const hessian& h, const row_source& rows);
  struct point {
    double error, bits;
  };
  BITGAUGE_DECLARE point at(double log_level) const;
  BITGAUGE_DECLARE point search(double wanted, double point::*what) const;

  std::vector<double> logarithms_;       ///< of the eigenvalues to base 2, falling
  std::vector<double> log_sums_, sums_;  ///< of the first i logarithms, and of all eigenvalues behind them
  std::vector<double> row_logarithms_;   ///< of the variances of rows
  double energy_ = 0, elements_ = 0;
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/metrics/output_bound_definitions.hpp>
#endif
