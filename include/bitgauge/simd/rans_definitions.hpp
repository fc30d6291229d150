#pragma once

/// \file
/// What rans.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/rans.hpp>
#include <bitgauge/simd/x86/avx512/rans.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<rans_operations> rans_table;

BITGAUGE_DEFINE const std::uint8_t* decode_rans(rans_lanes& lanes, const std::uint32_t* row_tables,
                                                index_t rows, const std::uint8_t* at, const std::uint8_t* end,
                                                std::int16_t* levels) {
  return rans_table.in_use().decode_rans(lanes, row_tables, rows, at, end, levels);
}

}  // namespace bitgauge::simd
