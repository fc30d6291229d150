#pragma once

/// \file
/// From a matrix to entropy-coded levels of a trellis within a number of bytes.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/importance.hpp>
#include <bitgauge/matrix/options.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/rounding/hessian.hpp>

namespace bitgauge::detail {

/// Quantizes to exactly storage_bytes(s, rows, cols). `h` is needed by rounding=gptq and null else. Raises invalid_scheme
/// for a Hessian that is missing or has no effect, and for fewer bits than what is stored beside the levels takes;
/// data_error for NaN, infinity, and weights of so different sizes that levels leave +-32767.
BITGAUGE_DECLARE trellis_matrix quantize_trellis(const row_source& rows, const trellis_scheme& s,
                                                 const hessian* h, const importance& weights,
                                                 const options& o);

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/trellis/quantize_trellis_definitions.hpp>
#endif
