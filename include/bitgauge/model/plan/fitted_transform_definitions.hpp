#pragma once

/// \file
/// What fitted_transform.hpp declares.

#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/plan/fitted_transform.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/transform/auto_alpha.hpp>
#include <bitgauge/transform/awq.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/smooth_quant.hpp>
#include <bitgauge/transform/transform.hpp>

#include <optional>

namespace bitgauge::detail {

/// Finds the factors of SmoothQuant and AWQ.
class transform_fit {
 public:
  transform_fit(const row_matrix& weights, const activation_stats& stats, const hessian& h,
                const tensor_format& f, int threads)
      : weights_(weights), hessian_(h), stats_(stats), threads_(threads), nearest_(without_feedback(f)) {}

  channel_scaling smooth(std::optional<float> alpha, const std::optional<stored_activations>& inputs) const {
    if (alpha) return smooth_factors(stats_, column_maxima(weights_), static_cast<double>(*alpha));
    auto_alpha search;
    search.threads = threads_;
    search.activations.reset();
    if (inputs) {
      const scheme& answers = inputs->scheme.answers;
      search.activations =
          activation_noise{answers.groups, answers.grid == "symmetric" ? make_symmetric(8) : make_affine(8)};
    }
    return smooth_quant(weights_, stats_, search, hessian_,
                        [&](const row_matrix& w, const hessian&) { return quantized(w); })
        .transform();
  }
  channel_scaling awq_scaling() const {
    return awq(weights_, stats_, hessian_, [&](const row_matrix& w) { return quantized(w); }).transform();
  }

 private:
  /// A search by error feedback would take as long as all else together, some twenty times.
  static tensor_format without_feedback(const tensor_format& f) {
    if (f.trellis() != nullptr) {
      trellis_scheme s = *f.trellis();
      s.rounding = rounding_kind::nearest;
      return s;
    }
    scheme answers = f.answers();
    answers.rounding = rounding_kind::nearest;
    answers.act_order = scheme{}.act_order;
    answers.static_groups = scheme{}.static_groups;
    answers.damping = scheme{}.damping;
    return answers;
  }
  any_quantized quantized(const row_matrix& w) const {
    return quantize(w, nearest_, options{.threads = threads_});
  }

  const row_matrix& weights_;
  const hessian& hessian_;
  const activation_stats& stats_;
  int threads_;
  tensor_format nearest_;
};

BITGAUGE_DEFINE stored_transform fitted_transform(stored_transform t, const row_source& values,
                                                  const std::optional<activation_stats>& stats,
                                                  const hessian* h, const tensor_format& f,
                                                  const std::optional<stored_activations>& inputs,
                                                  int threads) {
  if (!t.scheme.needs_activations() || !t.input_factors.empty()) return t;
  const row_matrix weights = changed_rows("transform: weights", values, values.cols(), threads, [](auto) {});
  const transform_fit fit(weights, *stats, *h, f, threads);
  const channel_scaling found = t.scheme.what == transform_scheme::kind::smooth
                                    ? fit.smooth(t.scheme.alpha, inputs)
                                    : fit.awq_scaling();
  t.input_factors.assign(found.factors().begin(), found.factors().end());
  return t;
}

}  // namespace bitgauge::detail
