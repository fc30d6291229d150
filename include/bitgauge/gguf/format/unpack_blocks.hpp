#pragma once

/// \file
/// Some blocks at a time as scales and levels, each step a plain loop over arrays that stay in the first-level
/// cache: what decoding and products with blocks begin with.

#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/translate.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

/// Up to `Blocks` blocks in numbers. Element j of sub-block s has the level level_bytes()[s * sub_block + j]
/// - zero, the difference within eight bits, and stands for scale[s] * level + minimum[s], or - minimum[s]
/// where the format stores what is subtracted.
template <class Format, int Blocks>
struct unpacked_blocks {
  using levels = typename Format::levels;
  static constexpr int elements = Blocks * Format::elements, sub_blocks = Blocks * Format::sub_blocks;
  static constexpr std::int8_t zero = [] {
    if constexpr (counted_levels<levels>) return std::int8_t{levels::zero};
    return std::int8_t{0};
  }();

  std::array<typename levels::codes, static_cast<std::size_t>(Blocks)> codes;
  alignas(64) std::array<std::int8_t, static_cast<std::size_t>(elements)> expanded;
  std::array<float, static_cast<std::size_t>(sub_blocks)> scale, minimum;

  /// Reads `blocks` blocks; fetches the memory of as many floats from `next` on meanwhile.
  void unpack(const std::uint8_t* bytes, int blocks, const float* next) noexcept {
    simd::multiversion([&](auto) __attribute__((always_inline)) { read_fields(bytes, blocks, next); });
    if constexpr (counted_levels<levels>) {
      return;  // the codes will do
    } else if constexpr (has_table_of_16) {
      simd::translate(codes[0].data(), blocks * Format::elements, levels::table.data(), expanded.data());
    } else {
      simd::multiversion([&](auto) __attribute__((always_inline)) { expand(blocks); });
    }
  }

  [[gnu::always_inline]] const std::int8_t* level_bytes() const noexcept {
    const void* const source =
        counted_levels<levels> ? static_cast<const void*>(codes.data()) : expanded.data();
    return static_cast<const std::int8_t*>(source);
  }

 private:
  static constexpr bool has_table_of_16 = [] {
    if constexpr (listed_levels<levels>) return levels::code_count == 16;
    return false;
  }();

  void expand(int blocks) noexcept {
    for (int b = 0; b < blocks; ++b)
      levels::expand(codes[static_cast<std::size_t>(b)], expanded.data() + b * Format::elements);
  }

  void read_fields(const std::uint8_t* bytes, int blocks, const float* next) noexcept {
    for (int b = 0; b < blocks; ++b, bytes += Format::bytes, next += Format::elements) {
      for (int j = 0; j < Format::elements; j += 16) __builtin_prefetch(next + j, 1);
      const auto first = static_cast<std::size_t>(b * Format::sub_blocks);
      block_codes<Format> stored;
      Format::scale::unpack(bytes, stored.scale);
      Format::minimum::unpack(bytes, stored.minimum);
      levels::unpack(bytes, codes[static_cast<std::size_t>(b)]);
      for (std::size_t s = 0; s < Format::sub_blocks; ++s) {
        scale[first + s] = stored.scale_of(static_cast<int>(s));
        if constexpr (subtracted_minimum<typename Format::minimum>) {
          minimum[first + s] = Format::minimum::subtrahend(stored.minimum, static_cast<int>(s));
        } else if constexpr (Format::has_minimum) {
          minimum[first + s] = stored.minimum_of(static_cast<int>(s));
        }
      }
    }
  }
};

}  // namespace bitgauge::gguf
