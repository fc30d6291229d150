#pragma once

/// \file
/// A block format as a composition: where the scales are, where the minima are, where the levels are.
/// Decoding, encoding at every effort, packing, every size and the row of the documentation follow from that.

#include <bitgauge/gguf/format/levels.hpp>
#include <bitgauge/gguf/format/scales.hpp>
#include <bitgauge/gguf/format/search_plan.hpp>
#include <bitgauge/gguf/tensor_type.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace bitgauge::gguf {

/// Nothing in the block is computed from its other fields.
struct no_derived_field {
  static constexpr int stored_bits = 0;
  static constexpr void pack(float, const std::int8_t*, std::uint8_t*) noexcept {}
};

/// A block. Element j decodes in float32 as
///
///     scale(j / sub_block) * level(j) + minimum(j / sub_block)
///
/// each operation rounded. `Derived` computes redundant fields that decoding does not read.
///
/// A struct that derives from this is a format, and has every effort:
///
///     struct mine : block_layout<super_scale<code_layout<single(112, 16)>, code_layout<plane(96, 8, 16, 16)>>,
///                                integer_levels<code_layout<bit_field{0, 3, {256, 3}}>, 4, -4, 3>> {};
///
/// It may state anew what follows the sizes here, for its encoders.
template <class Scale, class Levels, class Minimum = no_minimum, class Derived = no_derived_field>
struct block_layout {
  static constexpr int elements = Levels::entries;
  static constexpr int bytes =
      (Scale::stored_bits + Levels::stored_bits + Minimum::stored_bits + Derived::stored_bits) / 8;
  static constexpr int sub_blocks = Scale::entries;
  static constexpr int sub_block = elements / sub_blocks;  ///< elements that share a scale
  static constexpr bool has_minimum = Minimum::entries != 0;

  using scale = Scale;
  using levels = Levels;
  using minimum = Minimum;
  using derived = Derived;

  static_assert(elements % sub_blocks == 0 && sub_blocks <= 16 && sub_block % 16 == 0,
                "bitgauge: a block has at most 16 sub-blocks of a multiple of 16 elements");
  static_assert(!has_minimum || Minimum::entries == sub_blocks);
  static_assert((Scale::stored_bits + Levels::stored_bits + Minimum::stored_bits + Derived::stored_bits) %
                    8 ==
                0);

  static constexpr block_family family = family_of<Scale, Levels, Minimum>();
  static constexpr bool has_reference = false;  ///< whether ggml has an encoder, and reference/ has it
  static constexpr fast_rule fast = fast_rule::search;
  static constexpr auto normal_plan = default_trials<Scale, Levels, Minimum>();
  static constexpr auto best_plan = default_best<Scale, Levels, Minimum>();

  /// Storage cost, scales included.
  static constexpr double bits_per_weight() noexcept { return 8.0 * bytes / elements; }
};

/// A block format of ggml: its sizes are those of ggml's table.
template <tensor_type Type, class Scale, class Levels, class Minimum = no_minimum,
          class Derived = no_derived_field>
struct block_format : block_layout<Scale, Levels, Minimum, Derived> {
  using layout = block_layout<Scale, Levels, Minimum, Derived>;
  static constexpr tensor_type type = Type;
  static constexpr std::string_view name = traits_of(Type).name;  ///< ggml's spelling, such as "q4_K"
  static constexpr bool has_reference = layout::family != block_family::vector_codebook;
  static constexpr bool has_table_row = has_reference;  ///< in the table of README: see format_table.cpp

  static_assert(layout::elements == static_cast<int>(traits_of(Type).elements) &&
                    layout::bytes == static_cast<int>(traits_of(Type).bytes),
                "bitgauge: the description of a ggml type and tensor_types differ in its sizes");
};

/// A block as it lies in a file.
template <class Format>
struct block {
  std::array<std::uint8_t, static_cast<std::size_t>(Format::bytes)> bytes{};
};

/// What a block says, in numbers: the stored scale codes, minimum codes and element codes.
template <class Format>
struct block_codes {
  typename Format::scale::codes scale{};
  typename Format::minimum::codes minimum{};
  typename Format::levels::codes elements{};

  /// The float32 scale of a sub-block.
  constexpr float scale_of(int sub_block) const noexcept { return Format::scale::value(scale, sub_block); }
  /// The float32 minimum of a sub-block; zero where the format has none.
  constexpr float minimum_of([[maybe_unused]] int sub_block) const noexcept {
    if constexpr (Format::has_minimum) {
      return Format::minimum::value(minimum, sub_block);
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
  Format::minimum::unpack(bytes, codes.minimum);
  Format::levels::unpack(bytes, codes.elements);
}

/// Writes the block of Format::bytes bytes at `bytes`, the derived fields too. The inverse of unpack.
template <class Format>
constexpr void pack(const block_codes<Format>& codes, std::uint8_t* bytes) noexcept {
  std::fill_n(bytes, Format::bytes, std::uint8_t{0});
  Format::scale::pack(codes.scale, bytes);
  Format::minimum::pack(codes.minimum, bytes);
  Format::levels::pack(codes.elements, bytes);
  if constexpr (!std::is_same_v<typename Format::derived, no_derived_field>) {
    std::array<std::int8_t, static_cast<std::size_t>(Format::elements)> levels{};
    codes.levels(levels.data());
    Format::derived::pack(codes.scale.super, levels.data(), bytes);
  }
}

}  // namespace bitgauge::gguf
