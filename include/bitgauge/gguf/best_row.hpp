#pragma once

/// \file
/// The `best` encoders of all formats, held to be no worse than ggml's on any block.

#include <bitgauge/gguf/best_codebook.hpp>
#include <bitgauge/gguf/best_one_scale.hpp>
#include <bitgauge/gguf/best_scale_offset.hpp>
#include <bitgauge/gguf/best_small_float.hpp>
#include <bitgauge/gguf/best_super_offset.hpp>
#include <bitgauge/gguf/best_super_scale.hpp>
#include <bitgauge/gguf/decode.hpp>
#include <bitgauge/gguf/reference_k.hpp>
#include <bitgauge/gguf/reference_levels.hpp>
#include <bitgauge/gguf/widest_vectors.hpp>
#include <bitgauge/simd/widest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// Formats for which the reference has an encoder here.
template <class Format>
concept has_reference = requires(const float* x, block_codes<Format> codes) {
  reference::encode(x, reference::block_context{}, codes);
};

/// Formats whose encoder takes the width of the vectors that it is compiled for.
template <class Format>
concept searched_in_lanes = super_offset<Format> || one_scale_and_offset<Format>;

/// Writes the reference's block to `bytes` where its error is less than that of the block there.
template <has_reference Format>
void replace_if_worse(const float* x, const reference::block_context& context, std::uint8_t* bytes) noexcept {
  std::array<float, static_cast<std::size_t>(Format::elements)> decoded;
  decode_block<Format>(bytes, decoded.data());
  const double error = weighted_error(x, decoded.data(), context.importance, Format::elements);
  block_codes<Format> codes;
  reference::encode(x, context, codes);
  block<Format> other;
  pack(codes, other.bytes.data());
  decode_block<Format>(other.bytes.data(), decoded.data());
  if (weighted_error(x, decoded.data(), context.importance, Format::elements) < error) {
    std::copy(other.bytes.begin(), other.bytes.end(), bytes);
  }
}

/// Encodes `columns` elements, whole blocks, with least sum w (x - q)^2; see the encoders of the families.
template <class Format>
void encode_blocks(const float* x, index columns, const float* importance, reference::block_context context,
                   std::uint8_t* out) noexcept {
  const auto encode_all = [&](auto... width) __attribute__((always_inline)) {
    for (index j = 0; j < columns; j += Format::elements) {
      block_codes<Format> codes;
      encode(x + j, importance == nullptr ? nullptr : importance + j, codes, width...);
      pack(codes, out + j / Format::elements * Format::bytes);
    }
  };
  if constexpr (searched_in_lanes<Format>) {
    simd::on_widest(encode_all);
  } else if constexpr (coded_in_vectors<Format> || one_scale<Format>) {
    encode_all();
  } else {
    gguf::detail::on_widest_vectors([&]() __attribute__((always_inline)) { encode_all(); });
  }
  if constexpr (has_reference<Format> && !one_scale<Format>) {
    for (index j = 0; j < columns; j += Format::elements) {
      if (importance != nullptr) context.importance = importance + j;
      replace_if_worse<Format>(x + j, context, out + j / Format::elements * Format::bytes);
    }
  }
}

}  // namespace bitgauge::gguf::best
