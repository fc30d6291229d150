#pragma once

/// \file
/// quantize(W, text): any scheme that the program's --scheme takes, in one call. It compiles the encoders of
/// every ggml type, which takes some ten seconds; <bitgauge/bitgauge.hpp> leaves it out for that reason.

#include <bitgauge/any_quantized.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/gguf/scheme_type.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>

#include <concepts>
#include <memory>
#include <string_view>
#include <utility>

namespace bitgauge {
namespace detail {

template <class Extra>
inline constexpr bool is_hessian = std::same_as<Extra, hessian> || std::same_as<Extra, paired_hessian>;

/// The answers that may stand behind a text. GPTQ is compiled where one of them can ask for it.
struct text_extras {
  explicit text_extras(const scheme& s) : answers(s) {}

  void set(const importance& weights) { column_weights = weights; }
  void set(const options& o) { how = o; }
  void set(const gptq_inputs& data) { feedback = calibrated_rounding<double>(answers, data); }
  template <class Hessian>
  requires is_hessian<Hessian>
  void set(const Hessian& h) {
    if (answers.rounding != rounding_kind::gptq)
      raise(invalid_scheme("scheme \"" + to_text(answers) +
                           "\": a Hessian has no effect: leave it out, or write rounding=gptq"));
    feedback = std::make_shared<gptq<double>>(h, gptq_options_of(answers));
  }
  template <class Extra>
  void set(const Extra&) {
    static_assert(
        question_of<Extra>() == question::none,
        "bitgauge: a text answers all questions. Beside it stand options, an importance, a hessian or "
        "calibration data; what is to be otherwise is a key of the text");
    if constexpr (question_of<Extra>() == question::none) refuse_unknown_answer<Extra>();
  }

  const scheme& answers;
  importance column_weights{};
  options how{};
  std::shared_ptr<const feedback_rounding> feedback{};
};

template <class Derived>
any_quantized quantize_by_text(const Eigen::DenseBase<Derived>& matrix, const text_extras& extras) {
  const scheme& s = extras.answers;
  if (is_grid_name(s.grid.view()))
    return quantize_by(matrix, recipe_with(s, extras.feedback, extras.column_weights, extras.how));
  block_options o;
  const gguf::tensor_type type = gguf::tensor_type_of(s);
  o.effort = s.effort;
  o.column_weights = extras.column_weights;
  o.how = extras.how;
  o.feedback = extras.feedback;
  if (s.rounding == rounding_kind::gptq && o.feedback == nullptr) raise(missing_calibration());
  return with_rows(matrix, [&](const row_source& rows) { return quantize_blocks(rows, type, o); });
}

}  // namespace detail

/// Quantizes by a scheme text: a grid ("affine:bits=4,group=128", "nf4"), which gives a quantized_matrix, or
/// a ggml type ("q4_k:effort=best", "f16"), which gives a gguf::block_matrix. `extras`, in any order:
/// options, an importance, for rounding=gptq a hessian or a paired_hessian.
///
///     any_quantized q = quantize(W, "q4_k:rounding=gptq", H, options{.threads = 2});
///
/// mxfp4 and nvfp4, which are both, give the grid; gguf::mxfp4{} is the other. Throws invalid_scheme as
/// parse_scheme() does, for a field or an answer that can have no effect, and for rounding=gptq without a
/// Hessian; else as quantize() does with a scheme, or with a ggml type.
template <class Derived, class Text, class... Extras>
requires(std::convertible_to<const Text&, std::string_view>)
any_quantized quantize(const Eigen::DenseBase<Derived>& matrix, const Text& text, const Extras&... extras) {
  detail::check_contradictions<Extras...>();
  const scheme answers = parse_scheme(text);
  detail::text_extras all(answers);
  (all.set(extras), ...);
  return detail::quantize_by_text(matrix, all);
}
/// The same with calibration data in braces: quantize(W, text, {.hessian = &H, .report = &report}).
template <class Derived, class Text, class... Extras>
requires(std::convertible_to<const Text&, std::string_view>)
any_quantized quantize(const Eigen::DenseBase<Derived>& matrix, const Text& text, const gptq_inputs& data,
                       const Extras&... extras) {
  detail::check_contradictions<Extras...>();
  const scheme answers = parse_scheme(text);
  detail::text_extras all(answers);
  all.set(data);
  (all.set(extras), ...);
  return detail::quantize_by_text(matrix, all);
}

}  // namespace bitgauge
