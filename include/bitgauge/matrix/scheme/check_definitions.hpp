#pragma once

/// \file
/// What check.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

namespace bitgauge {

BITGAUGE_DEFINE void check_scheme(const scheme& s) {
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
  require(s.levels == bare.levels || s.grid.view() == "lookup", "levels",
          "leave it out, as only lookup has levels that are stored by row");
  require(s.effort != effort::reference || gptq, "effort=reference",
          "leave it out, as only GPTQ and ggml types reproduce another system");
  require(s.double_block == 0 || s.scales == bare.scales, "scale",
          "double says how scales are stored: leave one of the two out");
}

}  // namespace bitgauge
