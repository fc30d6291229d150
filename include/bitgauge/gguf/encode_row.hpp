#pragma once

/// \file
/// Encodes rows of a tensor whose type is known at run time.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/reference_k.hpp>
#include <bitgauge/gguf/reference_levels.hpp>
#include <bitgauge/gguf/row.hpp>

#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

/// Writes a row of f32, f16 or bf16, little-endian, rounded to nearest even. True where `type` is one of
/// these.
inline bool encode_plain_row(tensor_type type, const float* x, index columns, std::uint8_t* out) {
  const auto each_pattern = [&](auto from_float) {
    for (index j = 0; j < columns; ++j) {
      const std::uint16_t pattern = from_float(x[j]);
      out[2 * j] = static_cast<std::uint8_t>(pattern & 255u);
      out[2 * j + 1] = static_cast<std::uint8_t>(pattern >> 8);
    }
  };
  switch (type) {
    case tensor_type::f32:
      for (index j = 0; j < columns; ++j) float_scale::pack({x[j], {}}, out + 4 * j);
      return true;
    case tensor_type::f16:
      each_pattern(numeric::half_from_float);
      return true;
    case tensor_type::bf16:
      each_pattern(numeric::bfloat16_from_float);
      return true;
    default:
      return false;
  }
}

}  // namespace detail

/// Encodes a row: `columns` finite floats to row_bytes(type, columns) bytes.
///
/// effort::reference gives ggml's bytes (its `ggml_quantize_chunk`), with and without importance.
///
/// \param importance one positive weight a column, or null: the error that counts is sum w (x - q)^2
///
/// Raises shape_error for a row that blocks do not divide and invalid_scheme for integer types and f64.
inline void encode_row(tensor_type type, const float* x, index columns, const float* importance, effort,
                       std::byte* row) {
  row_bytes(type, columns);
  auto* out = reinterpret_cast<std::uint8_t*>(row);
  if (detail::encode_plain_row(type, x, columns, out)) return;
  reference::block_context context;
  if (importance != nullptr && columns > 0) {
    context.row_mean_square = reference::sum_of_squares(x, columns) / static_cast<float>(columns);
  }
  visit_format(type, [&]<class Format>(Format) {
    if constexpr (requires(block_codes<Format> codes) { reference::encode(x, context, codes); }) {
      for (index j = 0; j < columns; j += Format::elements, out += Format::bytes) {
        if (importance != nullptr) context.importance = importance + j;
        block_codes<Format> codes;
        reference::encode(x + j, context, codes);
        pack(codes, out);
      }
    }
  });
}

}  // namespace bitgauge::gguf
