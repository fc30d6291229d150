#pragma once

/// \file
/// What row.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/row.hpp>
#include <bitgauge/simd/x86/avx2/row.hpp>
#include <bitgauge/simd/x86/avx512/row.hpp>
#include <bitgauge/simd/x86/avx512_vbmi/bits.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<row_operations> row_table;

BITGAUGE_DEFINE const row_operations& row_kernels() {
  return row_table.in_use();
}

}  // namespace bitgauge::simd
