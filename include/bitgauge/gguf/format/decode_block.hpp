#pragma once

/// \file
/// From blocks to float32, exactly as ggml decodes them.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/format/unpack_blocks.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

template <class Lanes, class Format, int Blocks>
[[gnu::always_inline]] inline void scale_levels(const unpacked_blocks<Format, Blocks>& some, int blocks,
                                                float* out) noexcept {
  const std::int8_t* level = some.level_bytes();
  for (int s = 0; s < blocks * Format::sub_blocks; ++s) {
    const auto factor = Lanes::all(some.scale[static_cast<std::size_t>(s)]);
    for (int j = 0; j < Format::sub_block; j += Lanes::count) {
      auto value = factor * Lanes::from_bytes(level, some.zero);
      if constexpr (subtracted_minimum<typename Format::minimum>) {
        value = value - Lanes::all(some.minimum[static_cast<std::size_t>(s)]);
      } else if constexpr (Format::has_minimum) {
        value += Lanes::all(some.minimum[static_cast<std::size_t>(s)]);
      }
      value.store(out);
      level += Lanes::count;
      out += Lanes::count;
    }
  }
}

}  // namespace detail

/// Decodes blocks of Format::bytes bytes each, from `bytes` on, into Format::elements floats each:
/// out[j] = scale * level[j] + minimum, the product and the sum rounded each. Cost: one pass, at the speed of
/// memory for the formats without a codebook.
template <class Format>
inline void decode_blocks(const std::uint8_t* bytes, index_t blocks, float* out) noexcept {
  constexpr int together = std::max(1, 2048 / Format::elements);
  unpacked_blocks<Format, together> some;
  while (blocks > 0) {
    const int count = static_cast<int>(std::min<index_t>(blocks, together));
    some.unpack(bytes, count, out);
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      detail::scale_levels<simd::lanes<width()>>(some, count, out);
    });
    blocks -= count;
    bytes += count * Format::bytes;
    out += count * Format::elements;
  }
}

/// Decodes one block.
template <class Format>
inline void decode_block(const std::uint8_t* bytes, float* out) noexcept {
  decode_blocks<Format>(bytes, 1, out);
}

}  // namespace bitgauge::gguf
