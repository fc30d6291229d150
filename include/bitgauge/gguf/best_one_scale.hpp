#pragma once

/// \file
/// The optimal codes of the formats with one scale a block.

#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/gguf/optimal_scale.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// A single scale in floating point, and no offset.
template <class Format>
concept one_scale = Format::sub_blocks == 1 && !Format::has_offset && !requires {
  Format::scale::code_count;
};

/// The levels of a format in ascending order.
template <class Format>
constexpr auto ascending_levels() noexcept {
  using levels = typename Format::levels;
  if constexpr (requires { levels::table; }) {
    return levels::table;
  } else {
    std::array<std::int8_t, static_cast<std::size_t>(levels::most - levels::least + 1)> all{};
    for (std::size_t k = 0; k < all.size(); ++k) {
      all[k] = static_cast<std::int8_t>(levels::least + static_cast<int>(k));
    }
    return all;
  }
}

/// The codes and the stored scale of least sum w (x - q)^2: the optimum of the format.
template <one_scale Format>
void encode(const float* x, const float* importance, block_codes<Format>& codes) noexcept {
  static constexpr auto levels = ascending_levels<Format>();
  constexpr bool is_half = !std::same_as<typename Format::scale, float_scale>;
  optimal_scale<Format::elements, static_cast<int>(levels.size()), is_half> search{levels};
  codes.scale.super = search(x, importance, codes.elements.data());
  if constexpr (requires { Format::levels::zero; }) {
    for (auto& code : codes.elements) {
      code = static_cast<std::uint8_t>(code + Format::levels::least + Format::levels::zero);
    }
  }
}

}  // namespace bitgauge::gguf::best
