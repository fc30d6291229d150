#pragma once

/// \file
/// Interleaved rANS with the instruction set in use.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/rans.hpp>

#include <cstdint>

namespace bitgauge::simd {

/// Decodes `rows` symbols of each of 16 lanes, lane after lane within a row: see rans_lanes. Row r uses the tables from
/// entry table[lane] + row_tables[r] on. Reads words of 16 bits, low byte first, from `at` on and nothing from `end` on;
/// writes 16 levels a row. Returns where it stopped reading, or nullptr where words were missing.
BITGAUGE_DECLARE const std::uint8_t* decode_rans(rans_lanes& lanes, const std::uint32_t* row_tables,
                                                 index_t rows, const std::uint8_t* at,
                                                 const std::uint8_t* end, std::int16_t* levels);

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/rans_definitions.hpp>
#endif
