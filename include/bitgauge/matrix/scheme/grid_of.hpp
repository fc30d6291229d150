#pragma once

/// \file
/// The grid that a scheme names.

#include <bitgauge/matrix/scheme/grid_names.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>

namespace bitgauge::detail {

/// The grid a scheme names. Throws invalid_scheme with the known names.
BITGAUGE_DECLARE shared_grid grid_of(const scheme& s);

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/scheme/grid_of_definitions.hpp>
#endif
