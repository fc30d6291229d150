#pragma once

/// \file
/// From blocks to float32, exactly as ggml decodes them.

#include <bitgauge/gguf/formats.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

/// Decodes one block: out[j] = scale * level[j] + offset, the product and the sum rounded each. `out` takes
/// Format::elements floats.
template <class Format>
inline void decode_block(const block_codes<Format>& codes, float* out) noexcept {
  std::array<std::int8_t, static_cast<std::size_t>(Format::elements)> levels;
  codes.levels(levels.data());
  for (int s = 0; s < Format::sub_blocks; ++s) {
    const float scale = codes.scale_of(s);
    const int first = s * Format::sub_block;
    for (int j = first; j < first + Format::sub_block; ++j) {
      out[j] = scale * static_cast<float>(levels[static_cast<std::size_t>(j)]);
    }
  }
  if constexpr (Format::has_offset) {
    // The products are in memory before any sum begins, so that no compiler fuses the two roundings.
    asm volatile("" : : "r"(out) : "memory");
    for (int s = 0; s < Format::sub_blocks; ++s) {
      const float offset = codes.offset_of(s);
      const int first = s * Format::sub_block;
      for (int j = first; j < first + Format::sub_block; ++j) out[j] += offset;
    }
  }
}

/// Decodes the block of Format::bytes bytes at `bytes` into Format::elements floats.
template <class Format>
inline void decode_block(const std::uint8_t* bytes, float* out) noexcept {
  block_codes<Format> codes;
  unpack<Format>(bytes, codes);
  decode_block<Format>(codes, out);
}

}  // namespace bitgauge::gguf
