#pragma once

/// \file
/// What every encoder of blocks is, and how rows are encoded by one.
///
/// At each effort there is a template encoder<Format>, chosen by what Format is made of (Format::family), or by
/// name where it repeats ggml's own steps:
///
///     template <class Format>
///     struct encoder {
///       static constexpr index_t together = 16;  // the most blocks that a call encodes
///       static void encode(const float* x, index_t blocks, const block_context& context,
///                          std::array<block_codes<Format>, together>& codes) noexcept;
///     };

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

/// What encoders know besides the elements.
struct block_context {
  const float* importance = nullptr;  ///< one positive weight an element, or null
  float row_mean_square = 0.0f;       ///< mean of x^2 over the row; used with importance only

  /// The context of the elements from `first` on.
  block_context from(index_t first) const noexcept {
    return {importance == nullptr ? nullptr : importance + first, row_mean_square};
  }
};

/// The context of a row.
inline block_context context_of(const float* x, index_t columns, const float* importance) noexcept {
  if (importance == nullptr) return {};
  return {importance, sum_of_squares(x, columns) / static_cast<float>(columns)};
}

/// An encoder of one block after the other.
template <class Format, auto EncodeBlock>
struct encoder_of_blocks {
  static constexpr index_t together = 16;

  static void encode(const float* x, index_t blocks, const block_context& context,
                     std::array<block_codes<Format>, together>& codes) noexcept {
    for (index_t b = 0; b < blocks; ++b) {
      const index_t first = b * Format::elements;
      EncodeBlock(x + first, context.from(first), codes[static_cast<std::size_t>(b)]);
    }
  }
};

/// Encodes `columns` elements, whole blocks.
template <class Format, class Encoder>
void encode_with(const float* x, index_t columns, const block_context& context, std::uint8_t* out) noexcept {
  std::array<block_codes<Format>, static_cast<std::size_t>(Encoder::together)> codes;
  for (index_t first = 0; first < columns; first += Encoder::together * Format::elements) {
    const index_t blocks = std::min(Encoder::together, (columns - first) / Format::elements);
    Encoder::encode(x + first, blocks, context.from(first), codes);
    for (index_t b = 0; b < blocks; ++b, out += Format::bytes) pack(codes[static_cast<std::size_t>(b)], out);
  }
}

}  // namespace bitgauge::gguf
