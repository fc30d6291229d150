#pragma once

/// \file
/// The row primitives that quantizing and dequantizing are made of, with the instruction set in use.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/portable/row.hpp>

#include <cstdint>

namespace bitgauge::simd {

/// The row primitives in use: see selected(). Take the reference once per row or matrix.
BITGAUGE_DECLARE const row_operations& row_kernels();

/// low[i] = min(0, x...), high[i] = max(0, x...) of run i. Returns the largest numeric::magnitude_bits of
/// the row: at least infinity_bits where an element is not finite, and then low and high are unspecified.
BITGAUGE_DECLARE std::uint32_t extents(const float* x, index_t count, index_t run, float* low, float* high);

/// See packing::pack_dense and unpack_dense, bits 1..8; `sign_extend` makes unpacked fields two's
/// complement bytes.
BITGAUGE_DECLARE void pack(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out);
BITGAUGE_DECLARE void unpack(const std::uint8_t* packed, index_t count, int bits, bool sign_extend,
                             std::uint8_t* codes);

/// Copies `rows` x `cols` elements of a column-major matrix into a row-major one:
/// out[r * row_stride + c] = x[c * column_stride + r]. See transpose_stride. `past_caches`: see memory_hints; for
/// rows that begin at cache lines.
BITGAUGE_DECLARE void transpose(const float* x, index_t column_stride, index_t rows, index_t cols, float* out,
                                index_t row_stride, bool past_caches);

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/row_definitions.hpp>
#endif
