#pragma once

/// \file
/// The row primitives that quantizing and dequantizing are made of, with the instruction set in use.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/row.hpp>

namespace bitgauge::simd {

/// The row primitives in use: see selected(). Take the reference once per row or matrix.
BITGAUGE_DECLARE const row_operations& row_kernels();

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/row_definitions.hpp>
#endif
