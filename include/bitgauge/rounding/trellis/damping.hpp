#pragma once

/// \file
/// How much is to be added to a Hessian's diagonal at a given rate.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <array>
#include <cmath>
#include <cstddef>

namespace bitgauge::detail {

/// log2 det(H + A) of a factored Hessian, per input.
template <class Scalar>
double mean_log_determinant(const feedback_factor<Scalar>& f) {
  double sum = 0;
  const index_t n = f.upper.rows();
  for (index_t j = 0; j < n; ++j) sum += 2 * numeric::portable_log2(static_cast<double>(f.upper(j, j)));
  return sum / static_cast<double>(n);
}

inline double mean_diagonal(const hessian& h) {
  double sum = 0;
  for (index_t j = 0; j < h.inputs(); ++j) sum += h.matrix()(j, j);
  return sum / static_cast<double>(h.inputs());
}

/// The damping, as a fraction of the mean diagonal, of least error to expect on samples that H = n S of n samples does
/// not hold, where errors are spread as fine steps spread them: their covariance is (S + a)^-1 times
/// det(S + a)^(1 / p) for p inputs. Of the samples themselves they cost p m, with n m = tr(S (S + a)^-1); of
/// others, by leaving each sample out in turn, p m / (1 - m). Least is
///
///     log(m / (1 - m)) + log det(S + a) / p
///
/// over the decades of a. 0 where there are samples enough, or their number is not known. Cost: seven factorizations.
inline double damping_for_samples(const hessian& h, int threads) {
  const double p = static_cast<double>(h.inputs()), n = static_cast<double>(h.samples());
  if (n < 1 || n > 16 * p) return 0;
  // of fractions 10^(-5 + i / 2): tr(S (S + a)^-1) = p - d log det(S + a) / d log a
  constexpr int count = 8;
  std::array<double, count> level{};
  const auto fraction = [](int i) { return numeric::portable_exp2((i - 10) * 1.6609640474436813); };
  for (int i = 0; i < count; ++i)
    level[static_cast<std::size_t>(i)] = mean_log_determinant(factor<float>(h, fraction(i), false, threads));
  double least = 0, best = 0;
  for (int i = 1; i + 1 < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double slope = (level[at + 1] - level[at - 1]) / (2 * 1.6609640474436813);
    const double m = std::min(0.999, p / n * std::max(0.0, 1 - slope));
    const double found = numeric::portable_log2(m / (1 - m)) + level[at];
    if (best == 0 || found < least) {
      least = found;
      best = fraction(i);
    }
  }
  return best;
}

/// The factor of a Hessian damped for `bits` a weight. What is rounded to such steps has errors of 2^(-2 bits) times
/// the geometric mean of D_j beside the weights; directions of H that do not stand out from it are not worth bits, and
/// they would only grow the weights that errors are fed back to: so much is added to the diagonal, and what the number
/// of samples asks for. `given`: a fraction of the mean diagonal, or below 0.
inline feedback_factor<double> factor_for_rate(const hessian& h, double bits, double given, bool act_order,
                                               int threads) {
  if (given >= 0) return factor<double>(h, given, act_order, threads);
  const double noise = numeric::portable_exp2(-2 * bits), samples = damping_for_samples(h, threads);
  double fraction = 0.15 * noise + samples;
  for (int i = 0;; ++i) {
    feedback_factor<double> f = factor<double>(h, fraction, act_order, threads);
    const double wanted =
        numeric::portable_exp2(mean_log_determinant(f)) / mean_diagonal(h) * noise + samples;
    if (i == 2 || std::fabs(numeric::portable_log2(wanted / fraction)) < 0.5) return f;
    fraction = wanted;
  }
}

}  // namespace bitgauge::detail
