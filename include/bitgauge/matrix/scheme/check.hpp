#pragma once

/// \file
/// Fields of a scheme that contradict each other, or that can have no effect.

#include <bitgauge/matrix/scheme/scheme.hpp>

namespace bitgauge {

/// True where a range weighs errors, so that an importance has an effect: all but min-max; or where levels are
/// fitted: lookup.
constexpr bool uses_importance(const scheme& s) noexcept {
  return s.range != range_kind::minmax || s.grid.view() == "lookup";
}

/// Throws invalid_scheme for a field that is set and can have no effect beside the others (an effort where
/// nothing is searched, a seed without stochastic rounding, damping without GPTQ) and for two answers to how
/// scales are stored: ignored, each would be a silent fallback. quantize() and layout_of() call it.
BITGAUGE_DECLARE void check_scheme(const scheme& s);

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/scheme/check_definitions.hpp>
#endif
