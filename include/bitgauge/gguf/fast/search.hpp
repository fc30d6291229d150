#pragma once

/// \file
/// effort::normal of formats with a code for each element: sixteen sub-blocks at a time, fit, store, code.

#include <bitgauge/gguf/fast/encoder.hpp>
#include <bitgauge/gguf/fast/one_scale.hpp>
#include <bitgauge/gguf/fast/store.hpp>
#include <bitgauge/gguf/search/block_context.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge::gguf::fast {

/// Writes the codes of the elements of `blocks` blocks, from `x` on.
template <class Format, class Lanes, class Block, std::size_t Blocks>
[[gnu::always_inline]] inline void code_elements(const float* x, int blocks, const Block& block,
                                                 const stored_parameters& stored,
                                                 std::array<block_codes<Format>, Blocks>& codes) noexcept {
  sixteen inverse;
  inverse_of(Lanes::load(stored.scale.data())).store(inverse.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(blocks * Format::sub_blocks); ++i) {
    const auto shrink = Lanes::all(1.0f / block.unit[i]), minimum = Lanes::all(stored.minimum[i]),
               by = Lanes::all(inverse[i]);
    std::uint8_t* const to =
        codes[i / Format::sub_blocks].elements.data() + i % Format::sub_blocks * Format::sub_block;
    for (int j = 0; j < Format::sub_block; j += Lanes::count, x += Lanes::count) {
      const auto value = (Lanes::load(x) * shrink - minimum) * by;
      level_set<typename Format::levels>::code(value).to_bytes(to + j);
    }
  }
}

template <class Format>
requires(Format::family != block_family::vector_codebook)
struct encoder<Format> {
  using elements = trial_elements<Format::sub_block, Format::sub_blocks>;
  static constexpr index_t together = elements::blocks;

  static void encode(const float* x, index_t blocks, const block_context& context,
                     std::array<block_codes<Format>, static_cast<std::size_t>(together)>& codes) noexcept {
    elements block;
    stored_parameters stored;
    block.load(x, context.importance, blocks * Format::elements);
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<width()>;
      block.template prepare<lanes>();
      if constexpr (Format::family == block_family::one_scale) {
        constexpr auto& plan = Format::normal_plan;
        const std::span<const float> reaches = context.importance == nullptr
                                                   ? std::span<const float>(plan.plain)
                                                   : std::span<const float>(plan.weighted);
        fit_and_store<Format, lanes>(block, reaches, codes, stored);
      } else {
        fit_and_store<Format, Format::normal_plan, lanes>(block, codes, stored);
      }
      code_elements<Format, lanes>(x, static_cast<int>(blocks), block, stored, codes);
    });
  }
};

}  // namespace bitgauge::gguf::fast
