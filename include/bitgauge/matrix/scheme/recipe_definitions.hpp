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
void set_range(recipe& how, const scheme& s) {
  switch (s.range) {
    case range_kind::minmax:
      return how.set(minmax_range{});
    case range_kind::percentile:
      return how.set(percentile_range{s.percentile});
    case range_kind::mse:
      return how.set(mse_range{s.effort == effort::reference ? effort::normal : s.effort});
    case range_kind::kl:
      return how.set(kl_range{});
  }
}

/// The rounding of a scheme; `calibrated` is what rounding=gptq stands for.
template <int = 0>
void set_rounding(recipe& how, const scheme& s, const std::shared_ptr<const feedback_rounding>& calibrated) {
  switch (s.rounding) {
    case rounding_kind::nearest:
      return how.set(nearest_rounding{});
    case rounding_kind::stochastic:
      return how.set(stochastic_rounding{s.seed});
    case rounding_kind::gptq:
      if (calibrated == nullptr) raise(missing_calibration());
      how.set_feedback(calibrated);
  }
}

BITGAUGE_DEFINE recipe recipe_of(const scheme& s,
                                 const std::shared_ptr<const feedback_rounding>& calibrated) {
  check_scheme(s);
  recipe how;
  how.grid = grid_of(s);
  how.set(s.groups);
  how.set(s.stored_scales());
  set_range(how, s);
  set_rounding(how, s, calibrated);
  return how;
}

}  // namespace bitgauge::detail
