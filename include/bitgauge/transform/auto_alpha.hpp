#pragma once

/// \file
/// SmoothQuant with an alpha that is searched: the least error of the layer's outputs.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/answers.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/activations/activation_noise.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>
#include <bitgauge/transform/activations/weight_maxima.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/smooth_quant.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <concepts>
#include <optional>
#include <utility>
#include <vector>

namespace bitgauge {

/// What the search for alpha has seen. Errors are sums over the samples of the Hessian.
struct smooth_quant_report {
  /// The error of one alpha.
  struct candidate {
    double alpha = 0;
    double error = 0;
  };
  std::vector<candidate> candidates;  ///< in the order of alpha
  double identity_error = 0;          ///< of no smoothing at all
  double error = 0;                   ///< of the choice: at most identity_error
  std::optional<double> alpha{};      ///< the choice; none: no smoothing is best
};

/// How alpha is searched.
struct auto_alpha {
  int steps = 20;  ///< candidates are no smoothing and alpha = 0, 1/steps, ..., 1
  /// How the layer's inputs are going to be quantized; none: they stay floats.
  std::optional<activation_noise> activations = activation_noise{};
  smooth_quant_report* report = nullptr;  ///< filled in where given
  int threads = 0;                        ///< at most; 0: as many as parallel_for likes
};

namespace detail {

/// Weights Q in the basis of a transform that quantizes them: by a function of the user's.
template <class Quantizer>
concept weight_quantizer = requires(const Quantizer& quantizer, const row_matrix& weights, const hessian& h) {
  { quantizer(weights, h) } -> row_decodable;
};

/// ||(W - Q diag(1/s)) X||^2 + samples * sum_j noise_j ||Q_j||^2, in double.
template <class Derived, class Quantized>
double smoothed_error(const Eigen::DenseBase<Derived>& original, const Quantized& q, const hessian& h,
                      const Eigen::VectorXf& factors, const Eigen::VectorXd& noise, int threads) {
  require_same_shape("smooth_quant: quantized", original.rows(), original.cols(), q.rows(), q.cols());
  const Eigen::RowVectorXd inverses = factors.cast<double>().cwiseInverse().transpose();
  return sum_output_errors(
             original.derived(), q, threads,
             [&](const double_panel& w, const double_panel& changed) {
               const double_panel d = w - changed * inverses.asDiagonal(), dh = d * h.matrix();
               return output_error{dh.cwiseProduct(d).sum() + (changed.cwiseAbs2() * noise).sum(), 0};
             })
      .error;
}

}  // namespace detail

/// SmoothQuant with the alpha of least error of the layer's outputs, W quantized by `quantizer`, a function of
/// rewritten weights and their Hessian that gives anything with rows(), cols() and dequantize_row():
///
///     const auto s = smooth_quant(W, stats, auto_alpha{}, H, [](const row_matrix& w, const hessian& h) {
///       return quantize(w, affine<4>{}, per_group{128}, gptq{h});
///     });
///
/// The error, with s_j the factors, Q the quantized weights in their basis and H the Hessian of the samples:
///
///     tr((W - Q diag(1/s)) H (W - Q diag(1/s))^T) + samples * sum_j n_j ||Q_j||^2
///
/// that is ||W X - Q (diag(1/s) X + N)||^2 where the rounding of inputs is noise N of variances n_j,
/// independent of X (activation_noise): an estimate, as H and the statistics do not hold the samples. The
/// number of samples is what makes the trace of H that of the mean squares, so a factor common to all of H
/// changes nothing. No smoothing is a candidate, too: the result is never worse by this error.
///
/// Several layers with one input: give the rows of all of them, one matrix below the other, and rewrite each by
/// transform() of the result.
///
/// Throws shape_error where the inputs of W, `stats` and H disagree, invalid_scheme unless steps >= 1, and
/// what smooth_quant() and the quantizer throw. Cost: steps + 2 times quantizing and 2 m n^2 operations for W
/// of m x n.
template <class Derived, detail::weight_quantizer Quantizer>
transformed<channel_scaling> smooth_quant(const Eigen::DenseBase<Derived>& weights,
                                          const activation_stats& stats, const auto_alpha& search,
                                          const hessian& h, const Quantizer& quantizer) {
  const Eigen::VectorXf maxima = column_maxima(weights);
  const index_t n = maxima.size();
  if (stats.inputs() != n || h.inputs() != n)
    detail::raise_message<shape_error>({"smooth_quant: expected statistics and a Hessian of ", n,
                                        " inputs, found ", stats.inputs(), " and ", h.inputs()});
  if (search.steps < 1)
    detail::raise_message<invalid_scheme>({"smooth_quant: expected at least 1 step, found ", search.steps});
  const double square = stats.mean_square().sum();
  const double samples = square > 0 ? h.matrix().trace() / square : 0;
  const auto error_of = [&](const channel_scaling& s) {
    const transformed<channel_scaling> changed(weights, s, search.threads);
    const Eigen::VectorXd noise = search.activations
                                      ? (samples * search.activations->variances(stats, s.factors())).eval()
                                      : Eigen::VectorXd::Zero(n).eval();
    return detail::smoothed_error(weights, quantizer(changed.weights(), changed.hessian_of(h)), h,
                                  s.factors(), noise, search.threads);
  };
  channel_scaling best(Eigen::VectorXf::Ones(n));
  smooth_quant_report report;
  report.error = report.identity_error = error_of(best);
  for (int i = 0; i <= search.steps; ++i) {
    const double alpha = static_cast<double>(i) / search.steps;
    channel_scaling s = smooth_factors(stats, maxima, alpha);
    const double error = error_of(s);
    report.candidates.push_back({alpha, error});
    if (!(error < report.error)) continue;
    report.error = error;
    report.alpha = alpha;
    best = std::move(s);
  }
  if (search.report != nullptr) *search.report = std::move(report);
  return {weights, std::move(best), search.threads};
}

/// The same for weights that quantize(w, answers...) makes:
///
///     const auto s = smooth_quant(W, stats, auto_alpha{}, H, symmetric<8>{});
///     const auto q = quantize(s.weights(), symmetric<8>{});
///
/// An error feedback and an importance belong to one basis and do not compile here: pass a function.
template <class Derived, class... Answers>
requires(!(... || detail::weight_quantizer<Answers>))
transformed<channel_scaling> smooth_quant(const Eigen::DenseBase<Derived>& weights,
                                          const activation_stats& stats, const auto_alpha& search,
                                          const hessian& h, const Answers&... answers) {
  static_assert(
      !(... || (std::derived_from<Answers, feedback_rounding> || std::same_as<Answers, importance>)),
      "bitgauge: smooth_quant changes the basis in which a Hessian or an importance holds: pass a "
      "function, [](const row_matrix& w, const hessian& h) { return quantize(w, ..., gptq{h}); }");
  return smooth_quant(weights, stats, search, h, [&](const row_matrix& changed, const hessian&) {
    return quantize(changed, answers...);
  });
}

}  // namespace bitgauge
