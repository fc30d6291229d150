#pragma once

/// \file
/// Quantizing by a scheme chosen at run time or compile time: the same recipe as with typed answers, hence
/// the same bytes.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/rounding/gptq_options.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace bitgauge {

class hessian;
template <class Scalar>
class gptq;

/// What rounding=gptq needs beside the scheme.
struct gptq_inputs {
  const bitgauge::hessian* hessian = nullptr;
  gptq_report* report = nullptr;  ///< filled where set
};

/// What a scheme says of rounding=gptq.
inline gptq_options gptq_options_of(const scheme& s, gptq_report* report = nullptr) {
  return {.act_order = s.act_order,
          .static_groups = s.static_groups,
          .damping = static_cast<double>(s.damping),
          .effort = s.effort,
          .report = report};
}

namespace detail {

inline invalid_scheme missing_calibration() {
  return invalid_scheme("scheme: rounding=gptq: expected calibration data, found none: pass a hessian");
}

/// GPTQ as a scheme asks for it; null where it asks for another rounding or there is nothing to calibrate
/// with. A template, so that only calls with calibration data compile GPTQ.
template <class Scalar>
std::shared_ptr<const feedback_rounding> calibrated_rounding(const scheme& s, const gptq_inputs& data) {
  static_assert(
      requires { sizeof(gptq<Scalar>); },
      "bitgauge: rounding=gptq needs #include <bitgauge/rounding/gptq.hpp>");
  if (s.rounding != rounding_kind::gptq || data.hessian == nullptr) return nullptr;
  return std::make_shared<gptq<Scalar>>(*data.hessian, gptq_options_of(s, data.report));
}

/// The recipe of a scheme. Throws invalid_scheme for an unknown grid, or where calibration data are missing.
BITGAUGE_DECLARE recipe recipe_of(const scheme& s,
                                  const std::shared_ptr<const feedback_rounding>& calibrated);

/// The recipe of a scheme and what a call says beside it.
template <class... Extras>
recipe recipe_with(const scheme& s, const std::shared_ptr<const feedback_rounding>& calibrated,
                   const Extras&... extras) {
  static_assert(
      ((question_of<Extras>() == question::importance || question_of<Extras>() == question::options) && ...),
      "bitgauge: a scheme answers all questions. Beside it stand options, an importance and "
      "calibration data only; what is to be otherwise is a field of the scheme");
  check_contradictions<Extras...>();
  recipe answers = recipe_of(s, calibrated);
  (answers.set(extras), ...);
  if (!answers.column_weights.weights.empty() && !uses_importance(s))
    raise(invalid_scheme("scheme \"" + to_text(s) +
                         "\": an importance has no effect: leave it out, or write a range that weighs "
                         "errors, such as range=mse"));
  return answers;
}

}  // namespace detail

/// Quantizes by a scheme; see quantize(matrix, answers...) for the rules. `extras` may hold options and an
/// importance. Throws invalid_scheme for fields that can have no effect (see check_scheme), and for an
/// importance that is not empty beside a range that does not weigh errors (see uses_importance).
///
///     auto q = quantize(W, parse_scheme("affine:bits=4,group=128"));
///     auto p = quantize(W, parse_scheme("affine:bits=4,group=128,rounding=gptq"), {.hessian = &H});
template <class Derived, class... Extras>
quantized_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const scheme& s, const gptq_inputs& data,
                          const Extras&... extras) {
  return detail::quantize_by(matrix,
                             detail::recipe_with(s, detail::calibrated_rounding<double>(s, data), extras...));
}
/// The same without calibration data.
template <class Derived, class... Extras>
requires(!std::same_as<Extras, gptq_inputs> && ...)
quantized_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const scheme& s, const Extras&... extras) {
  return detail::quantize_by(matrix, detail::recipe_with(s, nullptr, extras...));
}

/// quantize_in_parts() by a scheme: see quantize.hpp.
template <row_readable Matrix, class Take, class... Extras>
matrix_parameters quantize_in_parts(const Matrix& matrix, const Take& take, const scheme& s,
                                    const gptq_inputs& data, const Extras&... extras) {
  const auto calibrated = detail::calibrated_rounding<double>(s, data);
  return detail::quantize_in_parts_by(matrix, detail::recipe_with(s, calibrated, extras...), std::cref(take));
}

/// Quantizes by a scheme known at compile time, which is then checked there.
template <scheme S, class Derived, class... Extras>
quantized_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const Extras&... extras) {
  static_assert(S.bits >= 1 && S.bits <= 8, "scheme: bits must be 1 to 8");
  static_assert(S.groups.what != granularity::kind::group || S.groups.size >= 1,
                "scheme: a group has at least 1 element");
  return quantize(matrix, S, extras...);
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/scheme/recipe_definitions.hpp>
#endif
