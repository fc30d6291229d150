#pragma once

/// \file
/// The transform of one tensor of a plan, fitted to its weights and activations.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <optional>

namespace bitgauge::detail {

/// `t` with its factors; what has them already is left as it is. `stats` and `h`, of its activations, are there where
/// the scheme needs them. Searches round to nearest.
BITGAUGE_DECLARE stored_transform fitted_transform(stored_transform t, const row_source& values,
                                                   const std::optional<activation_stats>& stats,
                                                   const hessian* h, const tensor_format& f,
                                                   const std::optional<stored_activations>& inputs,
                                                   int threads);

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/plan/fitted_transform_definitions.hpp>
#endif
