#pragma once

/// \file
/// Bytes through a table of 16, with the instruction set in use.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/translate.hpp>
#include <bitgauge/simd/x86/avx2/translate.hpp>

#include <cstdint>

namespace bitgauge::simd {

inline constexpr operation_table<translate_operations> translate_table;

/// out[i] = table[codes[i]] for codes 0..15.
inline void translate(const std::uint8_t* codes, index_t count, const std::int8_t* table, std::int8_t* out) {
  translate_table.in_use().translate(codes, count, table, out);
}

}  // namespace bitgauge::simd
