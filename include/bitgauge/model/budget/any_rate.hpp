#pragma once

/// \file
/// Formats whose bits a weight are any real number, as candidates for a budget.

#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/format.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace bitgauge {

/// Rates at which to measure what a trellis costs where all tensors together get `bits` a weight: from 1.5 below, a
/// tensor that hardly counts, to 2 above, one that counts 16 times as much as most.
inline std::vector<double> rates_around(double bits) {
  std::vector<double> rates;
  for (const double away : {-1.5, -0.75, 0.0, 1.0, 2.0}) {
    const double rate = std::clamp(bits + away, 0.5, trellis_scheme::most_bits);
    if (rates.empty() || rate > rates.back()) rates.push_back(rate);
  }
  return rates;
}

/// The trellis at some rates.
inline std::vector<tensor_format> at_rates(trellis_scheme s, std::span<const double> rates) {
  std::vector<tensor_format> formats;
  for (const double rate : rates) {
    s.bits = rate;
    formats.emplace_back(s);
  }
  return formats;
}

/// Lets plan_within() choose any rate between those at which candidates are this trellis, whatever its bits.
///
///     const trellis_scheme t = parse_trellis("trellis:rounding=gptq");
///     model_candidates all = candidates(file, rules, at_rates(t, rates_around(2.5)), {.calibration = &seen});
///     allow_any_rate(all, t);
///     measure_errors(file, all, {.calibration = &seen});
///     const budget_plan best = plan_within(all, bit_budget(2.5));   // "trellis:bits=2.637,rounding=gptq", ...
inline void allow_any_rate(model_candidates& all, const trellis_scheme& s) {
  for (tensor_candidates& tensor : all.tensors)
    for (candidate& each : tensor.formats) {
      const trellis_scheme* const t = each.plan.to.trellis();
      if (tensor.is_free() && t != nullptr && t->states == s.states && t->rounding == s.rounding)
        each.has_any_rate = true;
    }
}

}  // namespace bitgauge
