#pragma once

/// \file
/// What a search for a scale must know of its values first, with the instruction set in use: see
/// portable/value_sums.hpp.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/value_sums.hpp>

namespace bitgauge::simd {

/// The sums of finite values.
BITGAUGE_DECLARE value_sums sum_values(const float* x, index_t count);

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/sums/value_sums_definitions.hpp>
#endif
