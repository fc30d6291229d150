#pragma once

/// \file
/// How a candidate of AWQ's searches is quantized, whatever quantizes it.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/matrix/answers/answers.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/transform.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Throws shape_error for a Hessian of other inputs than weights have, data_error for one of no samples.
inline void require_awq_hessian(const char* what, index_t inputs, const hessian& h) {
  if (h.inputs() != inputs)
    raise_message<shape_error>(
        {what, ": expected a Hessian of ", inputs, " inputs, as the weights have, found ", h.inputs()});
  if (h.samples() == 0 && !(h.diagonal().maxCoeff() > 0))
    raise_message<data_error>({what,
                               ": expected a Hessian of at least one sample, found none: accumulate a batch "
                               "first"});
}

/// Decodes a row of what a trial has quantized.
using decode_trial = std::function<void(index_t row, float* out)>;
/// Quantizes weights whose columns have been multiplied by the factors of a scaling.
using run_trial = std::function<decode_trial(const row_matrix& weights, const channel_scaling& scaling)>;

/// What a function gives for changed weights, told their scaling where it wants that.
template <class Quantizer>
auto quantize_trial(const Quantizer& quantizer, const row_matrix& weights, const channel_scaling& scaling) {
  if constexpr (std::invocable<const Quantizer&, const row_matrix&, const channel_scaling&>) {
    return quantizer(weights, scaling);
  } else {
    return quantizer(weights);
  }
}

/// True for a function of weights, and perhaps of a scaling, and for no answer of quantize().
template <class Answer>
constexpr bool is_trial_quantizer() {
  if constexpr (question_of<Answer>() != question::none) {
    return false;
  } else {
    return std::invocable<const Answer&, const row_matrix&> ||
           std::invocable<const Answer&, const row_matrix&, const channel_scaling&>;
  }
}

template <class Quantizer>
run_trial trial_of_function(const Quantizer& quantizer) {
  using result = decltype(quantize_trial(quantizer, std::declval<const row_matrix&>(),
                                         std::declval<const channel_scaling&>()));
  static_assert(row_decodable<result>,
                "bitgauge: AWQ takes a function that returns something quantized, with rows(), cols() and "
                "dequantize_row()");
  return [quantizer](const row_matrix& weights, const channel_scaling& scaling) -> decode_trial {
    const auto q = std::make_shared<const result>(quantize_trial(quantizer, weights, scaling));
    require_same_shape("awq: quantized weights", weights.rows(), weights.cols(), q->rows(), q->cols());
    return [q](index_t row, float* out) { q->dequantize_row(row, out); };
  };
}

/// Quantizes by a recipe; an importance is of the columns as they were, whose errors are divided by factors.
inline run_trial trial_of_recipe(recipe answers) {
  return [answers = std::move(answers)](const row_matrix& weights,
                                        const channel_scaling& scaling) -> decode_trial {
    recipe own = answers;
    std::vector<float>& column_weights = own.column_weights.weights;
    for (std::size_t i = 0; i < column_weights.size(); ++i) {
      const float s = scaling.factors()(static_cast<index_t>(i) % scaling.inputs());
      column_weights[i] /= s * s;
    }
    const auto q = std::make_shared<const quantized_matrix>(quantize_by(weights, std::move(own)));
    return [q](index_t row, float* out) { q->dequantize_row(row, out); };
  };
}

template <class... Answers>
recipe trial_recipe(int threads, const Answers&... answers) {
  constexpr bool feeds_back = (std::derived_from<Answers, feedback_rounding> || ...), blocks = (requires {
                                                                                        Answers::type;
                                                                                        Answers::elements;
                                                                                      } || ...),
                 schemes = (std::same_as<Answers, scheme> || ...);
  static_assert(
      !feeds_back,
      "bitgauge: AWQ changes the inputs that the Hessian of a rounding is of. Pass a function instead: "
      "[&](const auto& w, const channel_scaling& s) { const hessian changed = change_hessian(s, H); "
      "return quantize(w, affine<4>{}, gptq{changed}); }");
  static_assert(
      !blocks && !schemes,
      "bitgauge: AWQ takes a ggml type, a scheme or a text as a function: [](const auto& w) { return "
      "quantize(w, gguf::q4_k{}); }");
  if constexpr (feeds_back || blocks || schemes) {
    return {};
  } else {
    recipe all = make_recipe(answers...);
    if constexpr (answers_to<question::options, Answers...> == 0) all.options.threads = threads;
    return all;
  }
}

/// The trial of the answers of quantize(), or of one function.
template <class... Answers>
run_trial make_trial(int threads, const Answers&... answers) {
  if constexpr (sizeof...(Answers) == 1 && (is_trial_quantizer<Answers>() && ...)) {
    return trial_of_function(answers...);
  } else {
    return trial_of_recipe(trial_recipe(threads, answers...));
  }
}

}  // namespace bitgauge::detail
