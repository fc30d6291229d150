#pragma once

/// \file
/// What columns.hpp declares.

#include <bitgauge/simd/columns.hpp>
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/x86/avx2/columns.hpp>
#include <bitgauge/simd/x86/avx512/columns.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<column_operations> column_table;

BITGAUGE_DEFINE const column_operations& column_kernels() {
  return column_table.in_use();
}

}  // namespace bitgauge::simd
