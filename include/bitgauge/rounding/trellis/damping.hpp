#pragma once

/// \file
/// How much is to be added to a Hessian's diagonal for the number of samples, and for the bits that levels cost.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/trellis/trellis_options.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

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

/// A Hessian factored for a rate: with the damping, and with what bits cost.
struct rate_factor {
  feedback_factor<double> factor;  ///< R of H + damping + A
  std::vector<double> bit_costs;   ///< A of each column, in the order of processing
};

/// The factor for levels of a column whose squares cost bits. Of a normal q of variance s a bit more is spent for every
/// 2 ln(2) s that its square grows by, and where a bit is worth `t` 2 ln(2) of output error, t being the error of each
/// of the coordinates in which the output error is a plain sum,
///
///     (w - q) H (w - q)^T + sum_j A_j q_j^2,   A_j = t / s_j,
///
/// is what errors and bits cost together: a quadratic form of the Hessian H + A, whose least lies at w H (H + A)^-1
/// instead of at w (bit_targets.hpp). So errors fed back do not widen columns to come for more than they are worth. With
/// A = t / v for weights of variance v and all columns alike this attains the rate-distortion bound but for directions of
/// H that lie below the water t / v; s_j = v_j - t / H_jj leaves columns out that are below.
///
/// `variances`: of the weights of each column. The damping is settings.damping, a fraction of the mean diagonal; where
/// that is below 0 what the number of samples asks for, and t / (2 v): directions of so little inputs are other ones on
/// other texts, however many samples there are. That costs up to .015 bits on the samples themselves, and on a text that
/// the small llama was not calibrated on it takes 5 % from the divergence at 2 bits. Cost: three or
/// four factorizations, and those of damping_for_samples().
inline rate_factor factor_for_rate(const hessian& h, const trellis& settings,
                                   std::span<const double> variances, int threads) {
  const index_t n = h.inputs();
  const bool is_given = settings.damping >= 0;
  const double least = is_given ? settings.damping : damping_for_samples(h, threads), mean = mean_diagonal(h);
  double all = 0, live = 0, logarithms = 0;
  for (index_t j = 0; j < n; ++j) {
    const double v = variances[static_cast<std::size_t>(j)], diagonal = h.matrix()(j, j);
    all += v;
    if (!(diagonal > 0 && v > 0)) continue;
    ++live;
    logarithms += numeric::portable_log2(diagonal + least * mean) + numeric::portable_log2(v);
  }
  all /= static_cast<double>(n);
  // a trellis takes about .08 bits more than the bound, scalars .25
  const double rate = settings.bits - (settings.states == 1 ? 0.25 : 0.08);
  rate_factor result;
  std::vector<double> spreads(variances.size()), costs(variances.size());
  // from the diagonal's determinant to that of R: each factor is nearer, as A counts for little in most directions
  for (int i = 0;; ++i) {
    const double t =
        live > 0 ? numeric::portable_exp2((logarithms - 2 * rate * static_cast<double>(n)) / live) : 0;
    const double damping = is_given || !(all > 0 && mean > 0) ? least : least + t / (2 * all * mean);
    for (std::size_t j = 0; j < costs.size(); ++j) {
      const double diagonal = h.matrix()(static_cast<index_t>(j), static_cast<index_t>(j)) + damping * mean;
      spreads[j] =
          std::max({variances[j] - (diagonal > 0 ? t / diagonal : 0), 0.02 * variances[j], 1e-4 * all});
      costs[j] = diagonal > 0 && spreads[j] > 0 ? t / spreads[j] : 0;
    }
    result.factor = factor<double>(h, damping, settings.act_order, threads, costs);
    const double before = logarithms;
    logarithms = 0;
    for (index_t k = 0; k < n; ++k) {
      const index_t j = result.factor.order[static_cast<std::size_t>(k)];
      if (h.matrix()(j, j) > 0 && variances[static_cast<std::size_t>(j)] > 0)
        logarithms += 2 * numeric::portable_log2(result.factor.upper(k, k)) +
                      numeric::portable_log2(spreads[static_cast<std::size_t>(j)]);
    }
    if (i == 4 || std::fabs(logarithms - before) < 0.2 * std::max(live, 1.0)) break;
  }
  result.bit_costs.resize(costs.size());
  for (std::size_t k = 0; k < costs.size(); ++k)
    result.bit_costs[k] = costs[static_cast<std::size_t>(result.factor.order[k])];
  return result;
}

}  // namespace bitgauge::detail
