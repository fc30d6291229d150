#pragma once

/// \file
/// What row.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/row.hpp>
#include <bitgauge/simd/x86/avx2/row.hpp>
#include <bitgauge/simd/x86/avx512/row.hpp>
#include <bitgauge/simd/x86/avx512_vbmi/bits.hpp>

#include <cstdint>

namespace bitgauge::simd {

inline constexpr operation_table<row_operations> row_table;
inline constexpr operation_table<extent_operations> extent_table;
inline constexpr operation_table<bit_operations> bit_table;
inline constexpr operation_table<transpose_operations> transpose_table;

BITGAUGE_DEFINE const row_operations& row_kernels() {
  return row_table.in_use();
}

BITGAUGE_DEFINE std::uint32_t extents(const float* x, index_t count, index_t run, float* low, float* high) {
  return extent_table.in_use().extents(x, count, run, low, high);
}

BITGAUGE_DEFINE void pack(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) {
  bit_table.in_use().pack(codes, count, bits, out);
}

BITGAUGE_DEFINE void unpack(const std::uint8_t* packed, index_t count, int bits, bool sign_extend,
                            std::uint8_t* codes) {
  bit_table.in_use().unpack(packed, count, bits, sign_extend, codes);
}

BITGAUGE_DEFINE void transpose(const float* x, index_t column_stride, index_t rows, index_t cols, float* out,
                               index_t row_stride, bool past_caches) {
  transpose_table.in_use().transpose(x, column_stride, rows, cols, out, row_stride, past_caches);
}

}  // namespace bitgauge::simd
