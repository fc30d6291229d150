#pragma once

/// \file
/// SmoothQuant: outliers of inputs handed over to the weights.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>
#include <bitgauge/transform/activations/weight_maxima.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <utility>

namespace bitgauge {
namespace detail {

inline void require_alpha(double alpha) {
  if (!numeric::binary64::is_finite(alpha) || alpha < 0 || alpha > 1)
    raise_message<invalid_scheme>({"smooth_quant: expected an alpha from 0 to 1, found ",
                                   numeric::binary64::is_nan(alpha) ? "NaN" : general_text(alpha, 6)});
}

/// x^exponent of x >= 0; 0^0 = 1.
inline double magnitude_power(double x, double exponent) noexcept {
  if (x > 0) return numeric::portable_power(x, exponent);
  return exponent > 0 ? 0 : 1;
}

}  // namespace detail

/// SmoothQuant's factors (Xiao et al., ICML 2023, eq. 4):
///
///     s_j = max(max|X_j|^alpha / max(w_j, 1e-5)^(1 - alpha), 1e-5),  w_j = max|W_j|
///
/// computed in double. alpha 0 makes all columns of W equally large and leaves the inputs to it, alpha 1 the
/// other way round; 0.5 shares the difficulty evenly. Several layers with one input, such as q, k and v, take
/// the maxima over all of them, and the norm before them takes the factors:
///
///     const channel_scaling s = smooth_factors(stats, column_maxima(Wq, Wk, Wv), 0.5);
///     const transformed q(Wq, s), k(Wk, s), v(Wv, s);
///     fold_into_norm(s, norm_weight, norm_bias);      // transform/fold.hpp: inference costs nothing
///
/// An input that was 0 in every sample gets the floor 1e-5 (with alpha 0: 1 / w_j). Should it ever be anything
/// else, it enters the layer 1e5 times as large: calibrate with samples that use every input.
///
/// Throws shape_error unless there is one maximum an input, invalid_scheme for an alpha outside of [0, 1] or
/// NaN, data_error before the first sample, for maxima that are negative or not finite and for factors that
/// no float holds.
template <class Derived>
channel_scaling smooth_factors(const activation_stats& stats, const Eigen::DenseBase<Derived>& weight_maxima,
                               double alpha) {
  constexpr double least = 1e-5;
  detail::require_alpha(alpha);
  const Eigen::VectorXd inputs = stats.absolute_maximum(),
                        weights = weight_maxima.derived().reshaped().matrix().template cast<double>();
  if (weights.size() != inputs.size())
    detail::raise_message<shape_error>(
        {"smooth_quant: expected the maximum of a column of weights for each of ", inputs.size(),
         " inputs, found ", weights.size()});
  Eigen::VectorXf factors(inputs.size());
  for (index_t j = 0; j < inputs.size(); ++j) {
    if (!numeric::binary64::is_finite(weights(j)) || weights(j) < 0)
      detail::raise_message<data_error>(
          {"smooth_quant: maximum of column ", j, ": expected a finite value from 0 up, found another"});
    const double ratio = detail::magnitude_power(inputs(j), alpha) /
                         detail::magnitude_power(std::max(weights(j), least), 1 - alpha);
    factors(j) = static_cast<float>(std::max(ratio, least));
  }
  return channel_scaling(std::move(factors));
}

/// Rewrites the weights W, out x in, of one layer by SmoothQuant's factors. Errors as of smooth_factors() and
/// column_maxima(). Cost: two passes over W.
///
///     const auto s = smooth_quant(W, stats, 0.5);
///     const auto q = quantize(s.weights(), symmetric<8>{});
///     Y = linear(q, bias, {.activations = activation_quantizer::dynamic()})(s.inputs(X));
///
/// An alpha that is searched: transform/auto_alpha.hpp.
template <class Derived>
transformed<channel_scaling> smooth_quant(const Eigen::DenseBase<Derived>& weights,
                                          const activation_stats& stats, double alpha, int threads = 0) {
  return {weights, smooth_factors(stats, column_maxima(weights), alpha), threads};
}

}  // namespace bitgauge
