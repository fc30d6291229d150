#pragma once

/// \file
/// What decode_row.hpp declares.

#include <bitgauge/gguf/format/decode_block.hpp>
#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/lanes/halves.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::gguf {

namespace detail {

/// The floats of a row of f32, f16 or bf16, little-endian. True where `type` is one of these.
inline bool decode_plain_row(tensor_type type, const std::uint8_t* bytes, index_t columns, float* out) {
  const auto each_pattern = [&](auto to_float) {
    for (index_t j = 0; j < columns; ++j) {
      out[j] = to_float(static_cast<std::uint16_t>(bytes[2 * j] | bytes[2 * j + 1] << 8));
    }
  };
  switch (type) {
    case tensor_type::f32:
      for (index_t j = 0; j < columns; ++j) {
        float_scale::codes number;
        float_scale::unpack(bytes + 4 * j, number);
        out[j] = number.super;
      }
      return true;
    case tensor_type::f16:
      simd::from_halves(bytes, columns, out);
      return true;
    case tensor_type::bf16:
      each_pattern(numeric::bfloat16_to_float);
      return true;
    default:
      return false;
  }
}

}  // namespace detail

BITGAUGE_DEFINE void decode_row(tensor_type type, const std::byte* row, index_t columns, float* out) {
  row_bytes(type, columns);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(row);
  simd::require_instruction_set();
  if (detail::decode_plain_row(type, bytes, columns, out)) return;
  visit_format(type,
               [&]<class Format>(Format) { decode_blocks<Format>(bytes, columns / Format::elements, out); });
}

}  // namespace bitgauge::gguf
