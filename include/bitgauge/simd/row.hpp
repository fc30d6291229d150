#pragma once

/// \file
/// The row primitives that quantizing and dequantizing are made of, with the instruction set in use.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/row.hpp>
#include <bitgauge/simd/x86/avx2/row.hpp>
#include <bitgauge/simd/x86/avx512/row.hpp>
#include <bitgauge/simd/x86/avx512_vbmi/bits.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<row_operations> row_table;

/// The row primitives in use: see selected(). Take the reference once per row or matrix.
inline const row_operations& row_kernels() {
  return row_table.in_use();
}

}  // namespace bitgauge::simd
