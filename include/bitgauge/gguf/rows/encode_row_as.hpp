#pragma once

/// \file
/// Encodes a row in one format: what a program compiles that names the type of its blocks, and what
/// bitgauge::compiled compiles a few formats at a time.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/encode_blocks.hpp>
#include <bitgauge/gguf/overflow.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/row.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::detail {

inline float greatest_magnitude(const float* x, index_t columns) noexcept {
  float low, high;
  return std::bit_cast<float>(simd::extents(x, columns, columns, &low, &high));
}

/// encode_row() for a format that is known at compile time: nothing else is compiled.
template <class Format>
void encode_row_as(tensor_type, const float* x, index_t columns, const float* importance, effort level,
                   std::byte* row, const row_hints& known, const row_place& place) {
  row_bytes(Format::type, columns);
  simd::require_instruction_set();
  if (columns == 0) return;
  auto* out = reinterpret_cast<std::uint8_t*>(row);
  if constexpr (Format::has_reference) {
    if (level == effort::reference) return encode_blocks<Format>(x, columns, importance, level, out);
  }
  const sound_importance weights(importance, columns, Format::elements);
  encode_blocks<Format>(x, columns, weights.data(), level, out, known);
  const float greatest = known.greatest < 0.0f ? greatest_magnitude(x, columns) : known.greatest;
  const auto encode_block = [](const float* values, const float* weight, effort chosen, std::uint8_t* bytes) {
    encode_blocks<Format>(values, Format::elements, weight, chosen, bytes);
  };
  mend_overflow(overflow_format_of<Format>, x, columns, greatest, place,
                {encode_block, level, weights.data()}, out);
}

}  // namespace bitgauge::gguf::detail
