#pragma once

/// \file
/// The least error of a layer's outputs that any quantizer can have at a given number of bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <Eigen/Core>

#include <span>
#include <vector>

namespace bitgauge {

/// The rate-distortion bound of normal weights under a Hessian, or where errors of columns count v_j, under H = diag(v).
/// A row of n weights of variance v, whose error e costs
/// e H e^T, is n independent numbers of variances v l_k, the l_k being the eigenvalues of H; at a water level t
///
///     error = sum over rows and k of min(t, v l_k)
///     bits a weight = mean over rows and k of max(0, log2(v l_k / t)) / 2
///
/// is the best that there is (Cover and Thomas, Elements of Information Theory, 10.3.3). Where all is above the water
/// this is bits = log2(det(v H) / t^n) / (2 n).
///
/// That weights are normal is assumed, each row with a variance of its own. Of all distributions of that variance the
/// normal one takes the most bits: real weights of heavy tails, or of two values, can have the error in fewer, and a
/// result can lie below the bound.
///
///     const output_bound bound(H, W);
///     double away = q.bits_per_weight() - bound.bits(measure_output_error(W, q, H).error);   // in bits a weight
class output_bound {
 public:
  /// Of no rows yet: see add().
  output_bound() = default;
  /// Rows have the variance of their weights about 0. Raises shape_error for a Hessian of another number of inputs than
  /// the matrix has columns. Cost: that of eigenvalues().
  template <class Matrix>
  output_bound(const hessian& h, const Matrix& weights) {
    detail::with_rows(weights, [&](const row_source& rows) { set(h, rows); });
  }
  /// Where errors of columns count as an importance says; none: H = I. Raises what quantize() raises for an importance
  /// that does not fit.
  template <class Matrix>
  output_bound(const importance& v, const Matrix& weights) {
    detail::with_rows(weights, [&](const row_source& rows) {
      detail::check_importance(v, rows.rows(), rows.cols());
      add(v, rows.cols(), row_energies(rows));
    });
  }

  /// Adds rows whose weights' squares sum up to `energies`, under a Hessian of these eigenvalues, one for each column.
  BITGAUGE_DECLARE void add(std::vector<double> eigenvalues, std::span<const double> energies);
  /// Adds rows of `cols` columns, those of each matrix of the importance in their turn.
  BITGAUGE_DECLARE void add(const importance& v, index_t cols, std::span<const double> energies);
  /// The sum of squares of each row, as add() takes them.
  BITGAUGE_DECLARE static std::vector<double> row_energies(const row_source& rows, int threads = 0);
  /// Cost: some 4 n^3 / 3 multiplications for n inputs, by one thread.
  BITGAUGE_DECLARE static std::vector<double> eigenvalues(const hessian& h);

  /// The least ||(W - Q) X||^2 over the samples of the Hessian, or sum of v_j (w - q)^2, at `bits` a weight, from 0 up.
  BITGAUGE_DECLARE double error(double bits) const;
  /// The least bits a weight at which the error can be that small: 0 where it is as large as that of no weights at all,
  /// infinity where it is 0.
  BITGAUGE_DECLARE double bits(double error) const;
  /// ||W X||^2, or sum of v_j w^2, to expect: the error of 0 bits.
  double energy() const noexcept { return energy_; }

 private:
  /// Rows under one Hessian.
  struct part {
    std::vector<double> logarithms;      ///< of the eigenvalues to base 2, falling
    std::vector<double> log_sums, sums;  ///< of the first i logarithms, and of all eigenvalues behind them
    std::vector<double> row_logarithms;  ///< of the variances of rows
  };
  struct point {
    double error, bits;
  };
  BITGAUGE_DECLARE void set(const hessian& h, const row_source& rows);
  BITGAUGE_DECLARE point at(double log_level) const;
  BITGAUGE_DECLARE point search(double wanted, double point::*what) const;

  std::vector<part> parts_;
  double energy_ = 0, elements_ = 0;
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/metrics/output_bound_definitions.hpp>
#endif
