#pragma once

/// \file
/// Encodes blocks of a format that is known at compile time, one of ggml's or of a description of the user's
/// own (see format/block_format.hpp), at every effort.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/best/encode_blocks.hpp>
#include <bitgauge/gguf/fast/encode_blocks.hpp>
#include <bitgauge/gguf/fast/small_blocks.hpp>
#include <bitgauge/gguf/reference/encoder.hpp>
#include <bitgauge/gguf/rows/row.hpp>

#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

/// effort::best: no block has more error than ggml's, or for formats that ggml does not know than that of
/// effort::normal.
template <class Format>
void encode_best_blocks(const float* x, index_t columns, const float* importance,
                        std::uint8_t* out) noexcept {
  best::encode_blocks<Format>(x, columns, importance, out);
  if constexpr (best::has_rival<Format> && Format::has_reference) {
    best::outdo<Format, reference::encoder<Format>>(x, columns, context_of(x, columns, importance), out);
  } else if constexpr (best::has_rival<Format>) {
    best::outdo<Format, fast::encoder<Format>>(x, columns, {importance, 0.0f}, out);
  }
}

}  // namespace detail

/// Encodes `columns` finite floats, whole blocks of Format, to columns / elements blocks at `out`.
///
/// effort::normal searches in vectors; effort::fast does so, too, unless the description states another rule;
/// effort::best has the least error found here, and on no block more than effort::normal has for a format of
/// the user's own whose elements have a code each. effort::reference is ggml's encoder, where
/// Format::has_reference, and else effort::normal.
///
/// \param importance one positive weight an element, none less than 2^-24 of its block's greatest, or null:
/// the error that counts is sum w (x - q)^2
template <class Format>
void encode_blocks(const float* x, index_t columns, const float* importance, effort chosen, std::uint8_t* out,
                   const row_hints& known = {}) noexcept {
  if constexpr (Format::has_reference) {
    if (chosen == effort::reference) return reference::encode_blocks<Format>(x, columns, importance, out);
  }
  if (chosen == effort::best) return detail::encode_best_blocks<Format>(x, columns, importance, out);
  if (!fast::encode_blocks<Format>(x, columns, importance, chosen, known, out)) {
    if constexpr (!Format::has_reference) {
      return detail::encode_best_blocks<Format>(x, columns, importance, out);
    } else {
      reference::encode_blocks<Format>(x, columns, importance, out);
    }
  }
  mend_small_blocks<Format>(x, columns, known, out, [&](index_t j, std::uint8_t* bytes) {
    detail::encode_best_blocks<Format>(x + j, Format::elements,
                                       importance == nullptr ? nullptr : importance + j, bytes);
  });
}

}  // namespace bitgauge::gguf
