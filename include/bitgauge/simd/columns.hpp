#pragma once

/// \file
/// The primitives of quantizing and dequantizing for matrices that lie column after column, with the instruction set
/// in use.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/columns.hpp>

namespace bitgauge::simd {

/// The column primitives in use: see selected(). Take the reference once per panel or matrix.
BITGAUGE_DECLARE const column_operations& column_kernels();

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/columns_definitions.hpp>
#endif
