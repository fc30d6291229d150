#pragma once

/// \file
/// Blocks at effort::best, held to be no worse than those of another encoder.

#include <bitgauge/gguf/best/byte_scale.hpp>
#include <bitgauge/gguf/best/one_scale.hpp>
#include <bitgauge/gguf/best/scale_min.hpp>
#include <bitgauge/gguf/best/super_scale.hpp>
#include <bitgauge/gguf/best/super_scale_min.hpp>
#include <bitgauge/gguf/best/vector_codebook.hpp>
#include <bitgauge/gguf/format/decode_block.hpp>
#include <bitgauge/gguf/search/block_context.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// Whether the encoder of a format is held to be no worse than a simpler one on any block. Where it finds the
/// optimum it is not, and for vectors it has been the only one.
template <class Format>
inline constexpr bool has_rival =
    Format::family != block_family::one_scale && Format::family != block_family::vector_codebook;

namespace detail {

/// Writes the block of `codes` to `bytes` where its error is less than that of the block there.
template <class Format>
void replace_if_worse(const float* x, const float* importance, const block_codes<Format>& codes,
                      std::uint8_t* bytes) noexcept {
  std::array<float, static_cast<std::size_t>(Format::elements)> decoded;
  decode_block<Format>(bytes, decoded.data());
  const double error = weighted_error(x, decoded.data(), importance, Format::elements);
  block<Format> other;
  pack(codes, other.bytes.data());
  decode_block<Format>(other.bytes.data(), decoded.data());
  if (weighted_error(x, decoded.data(), importance, Format::elements) < error) {
    std::copy(other.bytes.begin(), other.bytes.end(), bytes);
  }
}

}  // namespace detail

/// Encodes `columns` elements, whole blocks, with least sum w (x - q)^2; see the encoders of the families.
template <class Format>
void encode_blocks(const float* x, index_t columns, const float* importance, std::uint8_t* out) noexcept {
  encode_with<Format, encoder<Format>>(x, columns, {importance, 0.0f}, out);
}

/// Replaces each of the blocks at `out` that has more error than Rival's. `context` is the row's.
template <class Format, class Rival>
void outdo(const float* x, index_t columns, const block_context& context, std::uint8_t* out) noexcept {
  std::array<block_codes<Format>, static_cast<std::size_t>(Rival::together)> codes;
  for (index_t first = 0; first < columns; first += Rival::together * Format::elements) {
    const index_t blocks = std::min(Rival::together, (columns - first) / Format::elements);
    const block_context here = context.from(first);
    Rival::encode(x + first, blocks, here, codes);
    for (index_t b = 0; b < blocks; ++b, out += Format::bytes) {
      const index_t j = b * Format::elements;
      detail::replace_if_worse(x + first + j, here.from(j).importance, codes[static_cast<std::size_t>(b)],
                               out);
    }
  }
}

}  // namespace bitgauge::gguf::best
