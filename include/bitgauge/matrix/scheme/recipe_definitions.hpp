#pragma once

/// \file
/// What recipe.hpp declares.

#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/matrix/scheme/grid_of.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/percentile.hpp>

#include <memory>

namespace bitgauge::detail {

template <int = 0>
void set_range(recipe& answers, const scheme& s) {
  switch (s.range) {
    case range_kind::minmax:
      return answers.set(minmax_range{});
    case range_kind::percentile:
      return answers.set(percentile_range{s.percentile});
    case range_kind::mse:
      return answers.set(mse_range{s.effort == effort::reference ? effort::normal : s.effort});
    case range_kind::kl:
      return answers.set(kl_range{});
  }
}

/// The rounding of a scheme; `calibrated` is what rounding=gptq stands for.
template <int = 0>
void set_rounding(recipe& answers, const scheme& s,
                  const std::shared_ptr<const feedback_rounding>& calibrated) {
  switch (s.rounding) {
    case rounding_kind::nearest:
      return answers.set(nearest_rounding{});
    case rounding_kind::stochastic:
      return answers.set(stochastic_rounding{s.seed});
    case rounding_kind::gptq:
      if (calibrated == nullptr) raise(missing_calibration());
      answers.set_feedback(calibrated);
  }
}

BITGAUGE_DEFINE recipe recipe_of(const scheme& s,
                                 const std::shared_ptr<const feedback_rounding>& calibrated) {
  check_scheme(s);
  recipe answers;
  answers.grid = grid_of(s);
  answers.set(s.groups);
  answers.set(s.stored_scales());
  set_range(answers, s);
  set_rounding(answers, s, calibrated);
  return answers;
}

}  // namespace bitgauge::detail
