#pragma once

/// \file
/// The optimal codes of the formats with one scale a block.

#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/gguf/search/optimal_scale.hpp>
#include <bitgauge/gguf/search/scale_bounds.hpp>
#include <bitgauge/simd/widest.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bitgauge::gguf::best {

/// A single scale in floating point, and no offset.
template <class Format>
concept one_scale =
    Format::sub_blocks == 1 && !Format::has_offset && !requires { Format::scale::code_count; };

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

namespace detail {

template <class Format>
inline constexpr auto levels_of = ascending_levels<Format>();

}  // namespace detail

/// Evenly spaced levels, so many that bounds pay: fewer changes of a level are visited sooner.
template <class Format>
concept many_levels =
    one_scale<Format> && requires { requires Format::levels::most - Format::levels::least >= 15; };

template <one_scale Format>
using scale_search = optimal_scale<Format::elements, detail::levels_of<Format>,
                                   !std::same_as<typename Format::scale, float_scale>>;

/// Writes the codes and the stored scale that were found.
template <one_scale Format>
void write(const scale_search<Format>& search, block_codes<Format>& codes) noexcept {
  codes.scale.super = search.result(codes.elements.data());
  if constexpr (requires { Format::levels::zero; }) {
    for (auto& code : codes.elements) {
      code = static_cast<std::uint8_t>(code + Format::levels::least + Format::levels::zero);
    }
  }
}

/// The codes and the stored scale of least sum w (x - q)^2: the optimum of the format.
template <one_scale Format>
requires(!many_levels<Format>)
void encode(const float* x, const float* importance, block_codes<Format>& codes) noexcept {
  scale_search<Format> search(x, importance);
  search.start(1.0);
  search.sweep(1.0, search.inverses(1.0).last);
  if (!search.symmetric) {
    search.start(-1.0);
    search.sweep(-1.0, search.inverses(-1.0).last);
  }
  write<Format>(search, codes);
}

/// The same where the sweep is confined to the ranges that could hold the optimum.
template <many_levels Format, int Bytes>
[[gnu::always_inline]] inline void encode(const float* x, const float* importance, block_codes<Format>& codes,
                                          std::integral_constant<int, Bytes>) noexcept {
  using level_set = counted_level_set<Format::levels::least, Format::levels::most>;
  scale_search<Format> search(x, importance);
  search.start(1.0);
  if (!search.symmetric) search.start(-1.0);
  if (!search.is_exact()) {
    scale_bounds<level_set, Format::elements, Bytes> ranges(x, importance);
    for (const double sign : {1.0, -1.0}) {
      const auto [first, last] = search.inverses(sign);
      if (!ranges.visit(search, sign, first, last)) search.sweep(sign, last);
      if (search.symmetric) break;
    }
  }
  write<Format>(search, codes);
}

}  // namespace bitgauge::gguf::best
