#pragma once

/// \file
/// The optimal codes of the formats with one scale a block.

#include <bitgauge/gguf/best/encoder.hpp>
#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/gguf/search/optimal_scale.hpp>
#include <bitgauge/gguf/search/scale_bounds.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

namespace detail {

template <class Levels>
inline constexpr auto ascending_levels = [] {
  constexpr auto& distinct = gguf::detail::distinct_levels<Levels>;
  std::array<std::int8_t, distinct.size()> all{};
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = distinct[k].level;
  return all;
}();

template <class Format>
using scale_search = optimal_scale<Format::elements, ascending_levels<typename Format::levels>,
                                   !std::same_as<typename Format::scale, float_scale>>;

/// Writes the codes and the stored scale that were found.
template <class Format>
void write(const scale_search<Format>& search, block_codes<Format>& codes) noexcept {
  constexpr auto& distinct = gguf::detail::distinct_levels<typename Format::levels>;
  codes.scale.super = search.result(codes.elements.data());
  for (auto& code : codes.elements) code = distinct[code].code;
}

/// Sweeps all scales.
template <class Format>
void sweep(scale_search<Format>& search) noexcept {
  search.start(1.0);
  search.sweep(1.0, search.inverses(1.0).last);
  if (!search.symmetric) {
    search.start(-1.0);
    search.sweep(-1.0, search.inverses(-1.0).last);
  }
}

/// Sweeps the ranges that could hold the optimum.
template <class Format, int Bytes>
[[gnu::always_inline]] inline void sweep_within_bounds(const float* x, const float* importance,
                                                       scale_search<Format>& search) noexcept {
  search.start(1.0);
  if (!search.symmetric) search.start(-1.0);
  if (search.is_exact()) return;
  scale_bounds<level_set<typename Format::levels>, Format::elements, Bytes> ranges(x, importance);
  for (const double sign : {1.0, -1.0}) {
    const auto [first, last] = search.inverses(sign);
    if (!ranges.visit(search, sign, first, last)) search.sweep(sign, last);
    if (search.symmetric) break;
  }
}

}  // namespace detail

/// The codes and the stored scale of least sum w (x - q)^2: the optimum of the format.
template <class Format>
requires(Format::family == block_family::one_scale)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    detail::scale_search<Format> search(x, context.importance);
    if constexpr (has_many_levels) {
      simd::multiversion([&](auto width) __attribute__((always_inline)) {
        detail::sweep_within_bounds<Format, width()>(x, context.importance, search);
      });
    } else {
      detail::sweep<Format>(search);
    }
    detail::write<Format>(search, codes[0]);
  }

 private:
  /// Evenly spaced levels, so many that bounds pay: fewer changes of a level are visited sooner.
  static constexpr bool has_many_levels =
      counted_levels<typename Format::levels> && usable_levels<typename Format::levels>.size() >= 16;
};

}  // namespace bitgauge::gguf::best
