#pragma once

/// \file
/// Decodes rows of a tensor whose type is known at run time.

#include <bitgauge/gguf/rows/row.hpp>

#include <cstddef>

namespace bitgauge::gguf {

/// Decodes a row of `columns` elements: row_bytes(type, columns) bytes to `columns` floats, bit for bit as
/// ggml does. Takes f32, f16, bf16 and every block type; raises invalid_scheme for integer types and f64, and
/// shape_error for a row that blocks do not divide.
BITGAUGE_DECLARE void decode_row(tensor_type type, const std::byte* row, index_t columns, float* out);

}  // namespace bitgauge::gguf

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/gguf/rows/decode_row_definitions.hpp>
#endif
