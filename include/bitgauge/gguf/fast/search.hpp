#pragma once

/// \file
/// The quick encoder of the formats that need a search: sixteen sub-blocks at a time, fit, store, code, pack.

#include <bitgauge/gguf/fast/extreme_scale.hpp>
#include <bitgauge/gguf/fast/store.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/simd/widest.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge::gguf::quick {

/// How hard each format of several parameters a block is searched; those with one scale have scale_trials.
/// Formats with neither have no quick search.
template <class Format>
inline constexpr trials plan{0.0f, 0, 0, 0};
template <>
inline constexpr trials plan<q2_k>{0.3f, 10, 0, 2};
template <>
inline constexpr trials plan<q3_k>{0.3f, 11, 3, 2};
template <>
inline constexpr trials plan<q4_k>{0.2f, 10, 0, 2};
template <>
inline constexpr trials plan<q5_k>{0.25f, 8, 0, 2};
template <>
inline constexpr trials plan<q6_k>{0.4f, 9, 3, 1};
template <>
inline constexpr trials plan<iq4_xs>{2.5f, 7, 5, 2};
template <>
inline constexpr trials plan<q4_1>{0.2f, 10, 0, 2};
template <>
inline constexpr trials plan<q5_1>{0.25f, 8, 0, 2};
// `count` codes of one byte from `turned` below the one that fits the extreme element
template <>
inline constexpr trials plan<mxfp4>{0, 3, 1, 0};
template <>
inline constexpr trials plan<nvfp4>{0, 10, 2, 0};

template <class Format>
concept searched = has_scale_trials<Format> || plan<Format>.count != 0;

/// Formats that ggml searches, too, at least where there is an importance: effort::fast does it quicker. For
/// the others ggml has a plain rule, the extreme or the mean.
template <class Format>
concept searched_when_fast = searched<Format> && (!has_scale_trials<Format> || std::same_as<Format, q4_0> ||
                                                  std::same_as<Format, q5_0> || std::same_as<Format, iq4_nl>);

/// Writes the codes of the elements of `blocks` blocks, from `x` on.
template <class Format, class Lanes, class Block, std::size_t Blocks>
[[gnu::always_inline]] inline void code_elements(const float* x, int blocks, const Block& block,
                                                 const stored_parameters& stored,
                                                 std::array<block_codes<Format>, Blocks>& codes) noexcept {
  sixteen inverse;
  inverse_of(Lanes::load(stored.scale.data())).store(inverse.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(blocks * Format::sub_blocks); ++i) {
    const auto shrink = Lanes::all(1.0f / block.unit[i]), offset = Lanes::all(stored.offset[i]),
               by = Lanes::all(inverse[i]);
    std::uint8_t* const to =
        codes[i / Format::sub_blocks].elements.data() + i % Format::sub_blocks * Format::sub_block;
    for (int j = 0; j < Format::sub_block; j += Lanes::count, x += Lanes::count) {
      const auto value = (Lanes::load(x) * shrink - offset) * by;
      level_set<typename Format::levels>::code(value).to_bytes(to + j);
    }
  }
}

/// Encodes `columns` finite elements, whole blocks, for a small sum w (x - q)^2, w the importance (null: 1).
template <searched Format>
void search_blocks(const float* x, index_t columns, const float* importance, std::uint8_t* out) noexcept {
  using elements = side_by_side<Format::sub_block, Format::sub_blocks>;
  constexpr int together = elements::blocks;
  elements block;
  std::array<block_codes<Format>, static_cast<std::size_t>(together)> codes;
  stored_parameters stored;
  for (index_t done = 0; done < columns; done += together * Format::elements) {
    const index_t count = std::min<index_t>(columns - done, together * Format::elements);
    const int blocks = static_cast<int>(count / Format::elements);
    block.load(x + done, importance == nullptr ? nullptr : importance + done, count);
    simd::on_widest([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<width()>;
      block.template prepare<lanes>();
      if constexpr (has_scale_trials<Format>) {
        using scales = scale_trials<Format>;
        const std::span<const float> reaches =
            importance == nullptr ? std::span<const float>(scales::plain) : scales::weighted;
        fit_and_store<Format, lanes>(block, reaches, codes, stored);
      } else {
        fit_and_store<Format, plan<Format>, lanes>(block, codes, stored);
      }
      code_elements<Format, lanes>(x + done, blocks, block, stored, codes);
    });
    for (int b = 0; b < blocks; ++b, out += Format::bytes) pack(codes[static_cast<std::size_t>(b)], out);
  }
}

}  // namespace bitgauge::gguf::quick
