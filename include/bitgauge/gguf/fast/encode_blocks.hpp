#pragma once

/// \file
/// Blocks at effort::fast and effort::normal.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/fast/extreme_scale.hpp>
#include <bitgauge/gguf/fast/search.hpp>
#include <bitgauge/gguf/fast/vector_codebook.hpp>
#include <bitgauge/gguf/rows/row.hpp>

#include <cstdint>

namespace bitgauge::gguf::fast {

/// Encodes `columns` finite elements, whole blocks, by the rule of the extreme element or the search. False,
/// and nothing written, where that effort has another encoder, which is ggml's for fast_rule::reference.
template <class Format>
bool encode_blocks(const float* x, index_t columns, const float* importance, effort chosen,
                   const row_hints& known, std::uint8_t* out) noexcept {
  if constexpr (Format::fast == fast_rule::extreme) {
    // ggml ignores the importance of 8-bit codes, too: their error is too small to be worth a search
    if (chosen == effort::fast && (importance == nullptr || Format::levels::most >= 127)) {
      encode_by_extreme<Format>(x, columns, known, out);
      return true;
    }
  }
  if (chosen != effort::normal && Format::fast == fast_rule::reference) return false;
  encode_with<Format, encoder<Format>>(x, columns, {importance, 0.0f}, out);
  return true;
}

}  // namespace bitgauge::gguf::fast
