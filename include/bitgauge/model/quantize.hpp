#pragma once

/// \file
/// quantize(W, format) and quantize(W, text): anything that a tensor_format holds, in one call. It compiles the
/// encoders of every ggml type at every effort; <bitgauge/bitgauge.hpp> leaves it out for that reason.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/matrix/trellis/quantize.hpp>
#include <bitgauge/model/any_quantized.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace bitgauge {
namespace detail {

template <class Extra>
inline constexpr bool is_hessian = std::same_as<Extra, hessian> || std::same_as<Extra, paired_hessian>;

/// The answers that may stand behind a format. GPTQ is compiled where one of them can ask for it.
struct format_extras {
  template <class... Extras>
  explicit format_extras(const tensor_format& f, const Extras&... extras) : answers(f.answers()), format(f) {
    check_contradictions<Extras...>();
    if (f.what() == tensor_format::kind::copy)
      raise(invalid_scheme("format \"copy\": a matrix is quantized to codes, blocks or floats"));
    (set(extras), ...);
  }

  void set(const importance& weights) { column_weights = weights; }
  void set(const bitgauge::options& o) { options = o; }
  void set(const gptq_inputs& data) {
    if (format.trellis() != nullptr) {
      trellis_hessian = answers.rounding == rounding_kind::gptq ? data.hessian : nullptr;
    } else {
      feedback = calibrated_rounding<double>(answers, data);
    }
  }
  template <class Hessian>
  requires is_hessian<Hessian>
  void set(const Hessian& h) {
    if (answers.rounding != rounding_kind::gptq)
      raise(invalid_scheme("scheme \"" + to_text(format) +
                           "\": a Hessian has no effect: leave it out, or write rounding=gptq"));
    if constexpr (std::same_as<Hessian, hessian>) {
      if (format.trellis() != nullptr) {
        trellis_hessian = &h;
        return;
      }
    }
    if (format.trellis() != nullptr)
      raise(invalid_scheme("format \"" + to_text(format) + "\": expected a hessian, found a paired_hessian"));
    feedback = std::make_shared<gptq<double>>(h, gptq_options_of(answers));
  }
  template <class Extra>
  void set(const Extra&) {
    static_assert(
        question_of<Extra>() == question::none,
        "bitgauge: a text or format answers all questions. Beside it stand options, an importance, a hessian "
        "or calibration data; what is to be otherwise is a key of the text");
    if constexpr (question_of<Extra>() == question::none) refuse_unknown_answer<Extra>();
  }

  /// What the encoders of blocks need to know.
  block_options of_blocks() const {
    if (format.feeds_back() && feedback == nullptr) raise(missing_calibration());
    block_options o;
    o.effort = answers.effort;
    o.column_weights = column_weights;
    o.options = options;
    o.feedback = feedback;
    return o;
  }
  trellis_matrix trellis_of(const row_source& rows) const {
    if (format.feeds_back() && trellis_hessian == nullptr) raise(missing_calibration());
    const trellis_scheme& s = *format.trellis();
    trellis_inputs inputs{trellis_hessian, column_weights, options};
    return quantize_to_size(rows, {.bits = s.bits, .states = s.states},
                            storage_bytes(s, rows.rows(), rows.cols()), inputs);
  }
  recipe of_codes() const { return recipe_with(answers, feedback, column_weights, options); }

  const scheme& answers;
  const tensor_format& format;
  importance column_weights{};
  bitgauge::options options{};
  std::shared_ptr<const feedback_rounding> feedback{};
  const hessian* trellis_hessian = nullptr;
};

template <class Derived>
any_quantized quantize_by_format(const Eigen::DenseBase<Derived>& matrix, const format_extras& extras) {
  if (extras.format.trellis() != nullptr)
    return with_rows(matrix, [&](const row_source& rows) { return any_quantized(extras.trellis_of(rows)); });
  if (!extras.format.type()) return quantize_by(matrix, extras.of_codes());
  return with_rows(matrix, [&](const row_source& rows) {
    return quantize_blocks(rows, *extras.format.type(),
                           with_encoders<true>(extras.of_blocks(), *extras.format.type()));
  });
}

}  // namespace detail

/// Quantizes to a format: codes and scales, which gives a quantized_matrix, or blocks or floats, which gives
/// a gguf::block_matrix, or levels of a trellis, which gives a trellis_matrix. `extras`, in any order: options, an importance, for rounding=gptq a hessian, a
/// paired_hessian or gptq_inputs.
///
///     any_quantized q = quantize(W, parse_format("q4_k:rounding=gptq"), H, options{.threads = 2});
///
/// Raises invalid_scheme for an answer that can have no effect, for rounding=gptq without a Hessian and for a
/// copy; else as quantize() does with a scheme, or with a ggml type.
template <class Derived, class... Extras>
any_quantized quantize(const Eigen::DenseBase<Derived>& matrix, const tensor_format& f,
                       const Extras&... extras) {
  return detail::quantize_by_format(matrix, detail::format_extras(f, extras...));
}
/// The same with calibration data in braces: quantize(W, f, {.hessian = &H, .report = &report}).
template <class Derived, class... Extras>
any_quantized quantize(const Eigen::DenseBase<Derived>& matrix, const tensor_format& f,
                       const gptq_inputs& data, const Extras&... extras) {
  return detail::quantize_by_format(matrix, detail::format_extras(f, data, extras...));
}

/// Quantizes by a text, as parse_format() reads it: a grid ("affine:bits=4,group=128", "nf4") or a ggml type
/// ("q4_k:effort=best", "f16").
///
///     any_quantized q = quantize(W, "q4_k:rounding=gptq", H, options{.threads = 2});
///
/// mxfp4 and nvfp4, which are both, give the grid; "ggml.mxfp4" is the other. Raises invalid_scheme as
/// parse_format() does; else what quantize(matrix, format) raises.
template <class Derived, class Text, class... Extras>
requires(std::convertible_to<const Text&, std::string_view>)
any_quantized quantize(const Eigen::DenseBase<Derived>& matrix, const Text& text, const Extras&... extras) {
  return quantize(matrix, parse_format(text), extras...);
}
/// The same with calibration data in braces.
template <class Derived, class Text, class... Extras>
requires(std::convertible_to<const Text&, std::string_view>)
any_quantized quantize(const Eigen::DenseBase<Derived>& matrix, const Text& text, const gptq_inputs& data,
                       const Extras&... extras) {
  return quantize(matrix, parse_format(text), data, extras...);
}

/// Quantizes as quantize(matrix, format, extras...) does and hands the result out as it is made: take(first,
/// part) is called for some rows after the other, `part` a quantized_matrix, a gguf::block_matrix or, once for all rows,
/// a trellis_matrix. Returns
/// what the groups of codes share, nothing of blocks. Raises what quantize() raises, parts before the fault
/// having been handed out, and what `take` throws.
template <row_readable Matrix, class Take, class... Extras>
matrix_parameters quantize_in_parts(const Matrix& matrix, const Take& take, const tensor_format& f,
                                    const Extras&... extras) {
  const detail::format_extras all(f, extras...);
  if (f.trellis() != nullptr) {
    take(index_t{0}, detail::with_rows(matrix, [&](const row_source& rows) { return all.trellis_of(rows); }));
    return {};
  }
  if (!f.type()) return detail::quantize_in_parts_by(matrix, all.of_codes(), std::cref(take));
  detail::with_rows(matrix, [&](const row_source& rows) {
    const index_t panel = rows.panel_height();
    const index_t height = (detail::part_height(rows.cols()) + panel - 1) / panel * panel;
    detail::quantize_blocks(rows, *f.type(), detail::with_encoders<true>(all.of_blocks(), *f.type()), height,
                            std::cref(take));
  });
  return {};
}

}  // namespace bitgauge
