#pragma once

/// \file
/// Packs quantized_matrix.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/pack.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <memory>

namespace bitgauge::kernel {

/// The weights of `q`, packed. Rows of a matrix with a group for each column share one scale, 1, and what the
/// columns have goes to the activations. Levels by row become codes of 8 bits: of 127ths of the row's largest, or,
/// exactly, of 127ths where these are stored. `threads` as in options.
BITGAUGE_DECLARE std::shared_ptr<const packed_data> pack(const quantized_matrix& q, int threads);

}  // namespace bitgauge::kernel

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/pack/pack_matrix_definitions.hpp>
#endif
