#pragma once

/// \file
/// A block format of ggml as a composition: where the scales are, where the offsets are, where the levels
/// are. Decoding, encoding, packing and every size follow from that.

#include <bitgauge/gguf/format/levels.hpp>
#include <bitgauge/gguf/format/scales.hpp>
#include <bitgauge/gguf/tensor_type.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bitgauge::gguf {

/// Nothing in the block is computed from its other fields.
struct no_derived_field {
  static constexpr void pack(float, const std::int8_t*, std::uint8_t*) noexcept {}
};

/// A block format. Element j of a block decodes in float32 as
///
///     scale(j / sub_block) * level(j) + offset(j / sub_block)
///
/// each operation rounded. `Derived` computes redundant fields that decoding does not read.
template <tensor_type Type, class Scale, class Levels, class Offset = no_offset,
          class Derived = no_derived_field>
struct block_format {
  static constexpr tensor_type type = Type;
  static constexpr int elements = static_cast<int>(traits_of(Type).elements);
  static constexpr int bytes = static_cast<int>(traits_of(Type).bytes);
  static constexpr int sub_blocks = Scale::entries;
  static constexpr int sub_block = elements / sub_blocks;  ///< elements that share a scale
  static constexpr bool has_offset = Offset::entries != 0;

  using scale = Scale;
  using levels = Levels;
  using offset = Offset;
  using derived = Derived;

  static_assert(Levels::entries == elements && elements % sub_blocks == 0);
  static_assert(!has_offset || Offset::entries == sub_blocks);
};

/// A block as it lies in a file.
template <class Format>
struct block {
  std::array<std::uint8_t, static_cast<std::size_t>(Format::bytes)> bytes{};
};

/// What a block says, in numbers: the stored scale codes, offset codes and element codes.
template <class Format>
struct block_codes {
  typename Format::scale::codes scale{};
  typename Format::offset::codes offset{};
  typename Format::levels::codes elements{};

  /// The float32 scale of a sub-block.
  constexpr float scale_of(int sub_block) const noexcept { return Format::scale::value(scale, sub_block); }
  /// The float32 offset of a sub-block; zero where the format has none.
  constexpr float offset_of([[maybe_unused]] int sub_block) const noexcept {
    if constexpr (Format::has_offset) {
      return Format::offset::value(offset, sub_block);
    } else {
      return 0.0f;
    }
  }
  /// The integer level of every element.
  constexpr void levels(std::int8_t* out) const noexcept { Format::levels::expand(elements, out); }
};

/// Reads the block of Format::bytes bytes at `bytes`. Cost: one pass over the block.
template <class Format>
constexpr void unpack(const std::uint8_t* bytes, block_codes<Format>& codes) noexcept {
  static_assert(sizeof(block<Format>) == static_cast<std::size_t>(Format::bytes));
  Format::scale::unpack(bytes, codes.scale);
  Format::offset::unpack(bytes, codes.offset);
  Format::levels::unpack(bytes, codes.elements);
}

/// Writes the block of Format::bytes bytes at `bytes`, the derived fields too. The inverse of unpack.
template <class Format>
constexpr void pack(const block_codes<Format>& codes, std::uint8_t* bytes) noexcept {
  std::fill_n(bytes, Format::bytes, std::uint8_t{0});
  Format::scale::pack(codes.scale, bytes);
  Format::offset::pack(codes.offset, bytes);
  Format::levels::pack(codes.elements, bytes);
  if constexpr (!std::is_same_v<typename Format::derived, no_derived_field>) {
    std::array<std::int8_t, static_cast<std::size_t>(Format::elements)> levels{};
    codes.levels(levels.data());
    Format::derived::pack(codes.scale.super, levels.data(), bytes);
  }
}

}  // namespace bitgauge::gguf
