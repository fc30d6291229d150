#pragma once

/// \file
/// How a plan says that the inputs of a tensor are quantized.

#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/plan/plan_options.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/transform/stored/any_transform.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <optional>
#include <string>
#include <vector>

namespace bitgauge::detail {

/// How the inputs of a tensor are to be quantized; a static scale needs its calibration data, which go through
/// the transform, where there is one, as the inputs will.
inline std::optional<stored_activations> planned_activations(const plan_options& o, const std::string& name,
                                                             index_t inputs,
                                                             const std::optional<stored_transform>& transform,
                                                             std::vector<std::string>& notes) {
  if (!o.activations) return std::nullopt;
  if (!o.activations->is_static) return stored_activations{*o.activations};
  std::optional<row_matrix> x = o.calibration->samples(name);
  if (!x) {
    notes.emplace_back("no calibration data, hence no static activations");
    return std::nullopt;
  }
  if (transform) x = change_inputs(any_transform(*transform, inputs), *x);
  histogram_observer seen;
  seen.observe(*x);
  if ((x->array() == 0).all()) notes.emplace_back("all activations are zero: scale 1, zero point 0");
  return stored_activations{*o.activations,
                            make_activation_quantizer(*o.activations, seen).frozen_parameters()};
}

}  // namespace bitgauge::detail
