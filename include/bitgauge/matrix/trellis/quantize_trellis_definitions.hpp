#pragma once

/// \file
/// What quantize_trellis.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/trellis/quantize.hpp>
#include <bitgauge/matrix/trellis/quantize_trellis.hpp>

#include <algorithm>

namespace bitgauge::detail {

BITGAUGE_DEFINE trellis_matrix quantize_trellis(const row_source& rows, const trellis_scheme& s,
                                                const hessian* h, const importance& weights,
                                                const options& o) {
  if (s.rounding == rounding_kind::gptq && h == nullptr)
    raise(invalid_scheme("trellis: rounding=gptq: expected calibration data, found none: pass a hessian"));
  if (s.rounding != rounding_kind::gptq && h != nullptr)
    raise(invalid_scheme("trellis: a Hessian has no effect: leave it out, or write rounding=gptq"));
  const index_t bytes = storage_bytes(s, rows.rows(), rows.cols());
  const double elements = static_cast<double>(std::max<index_t>(rows.rows() * rows.cols(), 1));
  const double bits = std::clamp(8 * static_cast<double>(bytes) / elements, 0.1, 12.0);
  return quantize_to_size(rows, {.bits = bits, .states = s.states}, bytes,
                          {.hessian = h, .column_weights = weights, .options = o});
}

}  // namespace bitgauge::detail
