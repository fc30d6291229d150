#pragma once

/// \file
/// The `best` encoders of all formats, held to be no worse than ggml's on any block.

#include <bitgauge/gguf/best/byte_scale.hpp>
#include <bitgauge/gguf/best/one_scale.hpp>
#include <bitgauge/gguf/best/scale_min.hpp>
#include <bitgauge/gguf/best/super_scale.hpp>
#include <bitgauge/gguf/best/super_scale_min.hpp>
#include <bitgauge/gguf/best/vector_codebook.hpp>
#include <bitgauge/gguf/format/decode_block.hpp>
#include <bitgauge/gguf/reference/k_quants.hpp>
#include <bitgauge/gguf/reference/levels.hpp>
#include <bitgauge/simd/widest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bitgauge::gguf::best {

/// Formats for which the reference has an encoder here.
template <class Format>
concept has_reference = requires(const float* x, block_codes<Format> codes) {
  reference::encode(x, reference::block_context{}, codes);
};

/// Formats whose encoder takes the width of the vectors that it is compiled for.
template <class Format>
concept searched_in_lanes = requires(block_codes<Format> codes) {
  encode(static_cast<const float*>(nullptr), nullptr, codes, std::integral_constant<int, 16>{});
};

/// Writes the reference's block to `bytes` where its error is less than that of the block there.
template <has_reference Format>
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

/// The reference's codes of `blocks` blocks, at most sixteen.
template <has_reference Format>
void encode_as_reference(const float* x, const reference::block_context& context, std::size_t blocks,
                         block_codes<Format>* codes) noexcept {
  if constexpr (one_scale_and_offset<Format>) {
    if (context.importance != nullptr) {
      return reference::detail::encode_with_importance(x, context, blocks, codes);
    }
  }
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t first = b * static_cast<std::size_t>(Format::elements);
    reference::block_context here = context;
    if (here.importance != nullptr) here.importance += first;
    reference::encode(x + first, here, codes[b]);
  }
}

/// Encodes `columns` elements, whole blocks, with least sum w (x - q)^2; see the encoders of the families.
template <class Format>
void encode_blocks(const float* x, index_t columns, const float* importance, reference::block_context context,
                   std::uint8_t* out) noexcept {
  const auto encode_all = [&](auto... width) __attribute__((always_inline)) {
    for (index_t j = 0; j < columns; j += Format::elements) {
      block_codes<Format> codes;
      encode(x + j, importance == nullptr ? nullptr : importance + j, codes, width...);
      pack(codes, out + j / Format::elements * Format::bytes);
    }
  };
  if constexpr (searched_in_lanes<Format>) {
    simd::on_widest(encode_all);
  } else if constexpr (vector_quantized<Format> || one_scale<Format>) {
    encode_all();
  } else {
    simd::on_widest([&](auto) __attribute__((always_inline)) { encode_all(); });
  }
  if constexpr (has_reference<Format> && !one_scale<Format>) {
    constexpr index_t together = 16;
    std::array<block_codes<Format>, together> codes;
    for (index_t done = 0; done < columns; done += together * Format::elements) {
      const index_t blocks = std::min(together, (columns - done) / Format::elements);
      if (importance != nullptr) context.importance = importance + done;
      encode_as_reference(x + done, context, static_cast<std::size_t>(blocks), codes.data());
      for (index_t b = 0; b < blocks; ++b) {
        const index_t j = done + b * Format::elements;
        replace_if_worse(x + j, importance == nullptr ? nullptr : importance + j,
                         codes[static_cast<std::size_t>(b)], out + j / Format::elements * Format::bytes);
      }
    }
  }
}

}  // namespace bitgauge::gguf::best
