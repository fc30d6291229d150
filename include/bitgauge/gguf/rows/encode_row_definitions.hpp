#pragma once

/// \file
/// What encode_row.hpp declares.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/rows/encode_row_as.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace bitgauge::gguf {

namespace detail {

/// Writes a row of f32, f16 or bf16, little-endian, rounded to nearest even. True where `type` is one of
/// these.
inline bool encode_plain_row(tensor_type type, const float* x, index_t columns, std::uint8_t* out) {
  const auto each_pattern = [&](auto from_float) {
    for (index_t j = 0; j < columns; ++j) {
      const std::uint16_t pattern = from_float(x[j]);
      out[2 * j] = static_cast<std::uint8_t>(pattern & 255u);
      out[2 * j + 1] = static_cast<std::uint8_t>(pattern >> 8);
    }
  };
  switch (type) {
    case tensor_type::f32:
      for (index_t j = 0; j < columns; ++j) float_scale::pack({x[j], {}}, out + 4 * j);
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

/// Finite numbers that became infinity in a row of f16 or bf16: a data_error, or the largest finite number.
inline void mend_plain_overflow(tensor_type type, const float* x, index_t columns, const row_place& place,
                                std::uint8_t* out) {
  if (type != tensor_type::f16 && type != tensor_type::bf16) return;
  const unsigned infinity = type == tensor_type::f16 ? 0x7c00u : 0x7f80u;
  for (index_t j = 0; j < columns; ++j) {
    const auto pattern = static_cast<unsigned>(out[2 * j] | out[2 * j + 1] << 8);
    if ((pattern & 0x7fffu) != infinity || !numeric::is_finite(x[j])) continue;
    if (!place.saturates)
      bitgauge::detail::raise_message<data_error>(
          {"row ", place.row, ", column ", place.column + j, ": ", x[j], " overflows ", traits_of(type).name,
           ": store it as ", type == tensor_type::f16 ? "bf16 or f32" : "f32",
           " (or ask for nonfinite::saturate)"});
    const unsigned largest = pattern - 1;
    out[2 * j] = static_cast<std::uint8_t>(largest & 255u);
    out[2 * j + 1] = static_cast<std::uint8_t>(largest >> 8);
  }
}

}  // namespace detail

BITGAUGE_DEFINE void encode_row(tensor_type type, const float* x, index_t columns, const float* importance,
                                effort level, std::byte* row, const row_hints& known,
                                const row_place& place) {
  row_bytes(type, columns);
  auto* out = reinterpret_cast<std::uint8_t*>(row);
  simd::require_instruction_set();
  if (detail::encode_plain_row(type, x, columns, out)) {
    if (level != effort::reference) detail::mend_plain_overflow(type, x, columns, place, out);
    return;
  }
  visit_format(type, [&]<class Format>(Format) {
    detail::encode_row_as<Format>(type, x, columns, importance, level, row, known, place);
  });
}

}  // namespace bitgauge::gguf
