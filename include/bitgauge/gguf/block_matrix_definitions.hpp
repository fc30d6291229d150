#pragma once

/// \file
/// What block_matrix.hpp declares.

#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/gguf/rows/decode_row.hpp>

#include <string>

namespace bitgauge::gguf {

BITGAUGE_DEFINE void block_matrix::dequantize_row(index_t row, float* out) const {
  if (row < 0 || row >= rows_)
    raise(shape_error("dequantize_row(" + std::to_string(row) + ") of " + std::to_string(rows_) + " rows"));
  decode_row(type_, blocks_.data() + row * row_bytes(), cols_, out);
}

}  // namespace bitgauge::gguf
