#pragma once

/// \file
/// Fields of a scheme that contradict each other, or that can have no effect.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include <string>

namespace bitgauge {

/// True where a range weighs errors, so that an importance has an effect: all but min-max.
constexpr bool uses_importance(const scheme& s) noexcept {
  return s.range != range_kind::minmax;
}

/// Throws invalid_scheme for a field that is set and can have no effect beside the others (an effort where
/// nothing is searched, a seed without stochastic rounding, damping without GPTQ) and for two answers to how
/// scales are stored: ignored, each would be a silent fallback. quantize() and layout_of() call it.
inline void check_scheme(const scheme& s) {
  const scheme bare = named_scheme(s.grid);
  const auto require = [&](bool fine, const char* key, const char* instead) {
    if (!fine) raise(invalid_scheme("scheme \"" + to_text(s) + "\": " + key + " has no effect: " + instead));
  };
  const bool gptq = s.rounding == rounding_kind::gptq;
  require(s.percentile == bare.percentile || s.range == range_kind::percentile, "percentile",
          "leave it out, or write range=percentile");
  require(s.seed == bare.seed || s.rounding == rounding_kind::stochastic, "seed",
          "leave it out, or write rounding=stochastic");
  require(s.act_order == bare.act_order || gptq, "act_order", "leave it out, or write rounding=gptq");
  require(s.static_groups == bare.static_groups || gptq, "static_groups",
          "leave it out, or write rounding=gptq");
  require(s.damping == bare.damping || gptq, "damping", "leave it out, or write rounding=gptq");
  require(s.effort == bare.effort || gptq || s.range == range_kind::mse, "effort",
          "leave it out, or write range=mse or rounding=gptq");
  require(s.effort != effort::reference || gptq, "effort=reference",
          "leave it out, as only GPTQ and ggml types reproduce another system");
  require(s.double_block == 0 || s.scales == bare.scales, "scale",
          "double says how scales are stored: leave one of the two out");
}

}  // namespace bitgauge
