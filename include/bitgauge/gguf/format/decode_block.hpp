#pragma once

/// \file
/// From blocks to float32, exactly as ggml decodes them: some blocks at a time, step by step, so that each
/// step is a plain loop over arrays that stay in the first-level cache.

#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/simd/lanes.hpp>
#include <bitgauge/simd/translate.hpp>
#include <bitgauge/simd/widest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

/// Levels that a table of 16 lists.
template <class Levels>
concept listed_levels = requires { Levels::table; } && Levels::code_count == 16;
/// Levels that are codes less a constant.
template <class Levels>
concept counted_levels = requires { Levels::zero; };

/// Offsets whose sign matters: of two NaNs a difference keeps the first, a sum either.
template <class Offset>
concept subtracted_offset = requires(typename Offset::codes stored) { Offset::depth(stored, 0); };

/// What is taken from the bytes of codes or expanded levels.
template <class Levels>
constexpr std::int8_t zero_of() noexcept {
  if constexpr (counted_levels<Levels>) {
    return Levels::zero;
  } else {
    return 0;
  }
}

/// The numbers of some blocks on their way to floats.
template <class Format, int Blocks>
struct decoding {
  using levels = typename Format::levels;
  static constexpr int elements = Blocks * Format::elements, sub_blocks = Blocks * Format::sub_blocks;
  static_assert(Format::sub_block % 16 == 0);

  std::array<typename levels::codes, static_cast<std::size_t>(Blocks)> codes;
  alignas(64) std::array<std::int8_t, static_cast<std::size_t>(elements)> expanded;
  std::array<float, static_cast<std::size_t>(sub_blocks)> scale, offset;

  /// Reads all fields; fetches the memory that the floats will go to meanwhile.
  void unpack(const std::uint8_t* bytes, int blocks, const float* out) noexcept {
    for (int b = 0; b < blocks; ++b, bytes += Format::bytes, out += Format::elements) {
      for (int j = 0; j < Format::elements; j += 16) __builtin_prefetch(out + j, 1);
      const auto first = static_cast<std::size_t>(b * Format::sub_blocks);
      block_codes<Format> stored;
      Format::scale::unpack(bytes, stored.scale);
      Format::offset::unpack(bytes, stored.offset);
      levels::unpack(bytes, codes[static_cast<std::size_t>(b)]);
      for (std::size_t s = 0; s < Format::sub_blocks; ++s) {
        scale[first + s] = stored.scale_of(static_cast<int>(s));
        if constexpr (subtracted_offset<typename Format::offset>) {
          offset[first + s] = Format::offset::depth(stored.offset, static_cast<int>(s));
        } else if constexpr (Format::has_offset) {
          offset[first + s] = stored.offset_of(static_cast<int>(s));
        }
      }
    }
  }

  void expand(int blocks) noexcept {
    for (int b = 0; b < blocks; ++b) {
      levels::expand(codes[static_cast<std::size_t>(b)], expanded.data() + b * Format::elements);
    }
  }

  template <class Lanes>
  [[gnu::always_inline]] void scale_levels(int blocks, float* out) const noexcept {
    const void* const source =
        counted_levels<levels> ? static_cast<const void*>(codes.data()) : expanded.data();
    const auto* level = static_cast<const std::int8_t*>(source);
    for (int s = 0; s < blocks * Format::sub_blocks; ++s) {
      const auto factor = Lanes::all(scale[static_cast<std::size_t>(s)]);
      for (int j = 0; j < Format::sub_block; j += Lanes::count) {
        auto value = factor * Lanes::from_bytes(level, zero_of<levels>());
        if constexpr (subtracted_offset<typename Format::offset>) {
          value = value - Lanes::all(offset[static_cast<std::size_t>(s)]);
        } else if constexpr (Format::has_offset) {
          value += Lanes::all(offset[static_cast<std::size_t>(s)]);
        }
        value.store(out);
        level += Lanes::count;
        out += Lanes::count;
      }
    }
  }
};

}  // namespace detail

/// Decodes blocks of Format::bytes bytes each, from `bytes` on, into Format::elements floats each:
/// out[j] = scale * level[j] + offset, the product and the sum rounded each. Cost: one pass, at the speed of
/// memory for the formats without a codebook.
template <class Format>
inline void decode_blocks(const std::uint8_t* bytes, index_t blocks, float* out) noexcept {
  using levels = typename Format::levels;
  constexpr int together = std::max(1, 2048 / Format::elements);
  detail::decoding<Format, together> some;
  while (blocks > 0) {
    const int count = static_cast<int>(std::min<index_t>(blocks, together));
    simd::on_widest([&](auto) __attribute__((always_inline)) { some.unpack(bytes, count, out); });
    if constexpr (detail::listed_levels<levels>) {
      simd::translate(some.codes[0].data(), count * Format::elements, levels::table.data(),
                      some.expanded.data());
    } else if constexpr (!detail::counted_levels<levels>) {
      simd::on_widest([&](auto) __attribute__((always_inline)) { some.expand(count); });
    }
    simd::on_widest([&](auto width) __attribute__((always_inline)) {
      some.template scale_levels<simd::lanes<width()>>(count, out);
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
