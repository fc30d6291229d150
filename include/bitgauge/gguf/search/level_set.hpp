#pragma once

/// \file
/// The level nearest to each of several numbers, and the code of it, for every kind of levels that blocks
/// have.

#include <bitgauge/gguf/format/levels.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bitgauge::gguf {

namespace detail {

/// Each level once, ascending, with the least of its codes.
template <class Levels>
inline constexpr auto distinct_levels = [] {
  constexpr auto& usable = usable_levels<Levels>;
  constexpr std::size_t count = [] {
    std::size_t found = 0;
    for (std::size_t k = 0; k < usable.size(); ++k)
      found += k == 0 || usable[k].level != usable[k - 1].level ? 1u : 0u;
    return found;
  }();
  std::array<coded_level, count> all{};
  std::size_t found = 0;
  for (std::size_t k = 0; k < usable.size(); ++k)
    if (k == 0 || usable[k].level != usable[k - 1].level) all[found++] = usable[k];
  return all;
}();

/// True where the first half of the codes are magnitudes from 0 on, ascending, and the second half the same
/// with a sign, as of small floats.
template <class Levels>
inline constexpr bool has_sign_bit = [] {
  if constexpr (listed_levels<Levels>) {
    constexpr auto& table = Levels::table;
    constexpr std::size_t half = table.size() / 2;
    bool all = half > 1 && table[0] == 0;
    for (std::size_t k = 0; k < half; ++k)
      all = all && table[k + half] == -table[k] && (k == 0 || table[k] > table[k - 1]);
    return all;
  } else {
    return false;
  }
}();

template <class Levels>
constexpr tie tie_of() noexcept {
  if constexpr (listed_levels<Levels>) {
    return Levels::half_way;
  } else {
    return tie::down;
  }
}

}  // namespace detail

/// `least` and `most`, the outermost levels; nearest(v), the levels nearest to v; code(v), their codes;
/// code_of(level), the code of a level. Integers go to even half-way between two, the levels of a table as
/// `Tie` says, of magnitudes where they have a sign of their own.
///
/// v is simd::lanes or simd::float_vector. Cost: a few operations for integers; for a table two for every
/// level but one, for small floats for every magnitude but one.
template <class Levels, tie Tie = detail::tie_of<Levels>()>
struct level_set {
  static constexpr int least = usable_levels<Levels>.front().level, most = usable_levels<Levels>.back().level;

  template <class V>
  [[gnu::always_inline]] static V nearest(const V& value) noexcept {
    if constexpr (counted_levels<Levels>) {
      return value.nearest_within(least, most);
    } else if constexpr (detail::has_sign_bit<Levels>) {
      const V level = walk<false>(magnitude(value));
      return where_less(value, V::all(0.0f), V::all(0.0f) - level, level);
    } else {
      return walk<false>(value);
    }
  }

  template <class V>
  [[gnu::always_inline]] static V code(const V& value) noexcept {
    if constexpr (counted_levels<Levels>) {
      return nearest(value) + V::all(Levels::zero);
    } else if constexpr (detail::has_sign_bit<Levels>) {
      constexpr auto sign = static_cast<float>(Levels::table.size() / 2);
      const V zero = V::all(0.0f), rank = walk<true>(magnitude(value));
      const V negative = where_less(zero, rank, rank + V::all(sign), zero);  // no minus zero
      return where_less(value, zero, negative, rank);
    } else {
      return walk<true>(value);
    }
  }

  static constexpr std::uint8_t code_of(int level) noexcept {
    if constexpr (counted_levels<Levels>) {
      return static_cast<std::uint8_t>(level + Levels::zero);
    } else {
      return codes[static_cast<std::size_t>(level - least)];
    }
  }

 private:
  /// The levels, or the magnitudes, from the least up.
  static constexpr auto& steps = detail::distinct_levels<Levels>;
  static constexpr std::size_t first = detail::has_sign_bit<Levels> ? steps.size() / 2 : 0;
  static constexpr std::size_t count = steps.size() - first;

  template <std::size_t K, bool Codes>
  static constexpr float name =
      static_cast<float>(Codes ? int{steps[first + K].code} : steps[first + K].level);
  template <std::size_t K>
  static constexpr float half_way =
      0.5f * static_cast<float>(steps[first + K].level + steps[first + K + 1].level);

  /// Written out step by step: a loop would look the numbers up.
  template <bool Codes, class V>
  [[gnu::always_inline]] static V walk(const V& value) noexcept {
    V found = V::all(name<0, Codes>);
    [&]<std::size_t... K>(std::index_sequence<K...>) __attribute__((always_inline)) {
      ((found = step(value, V::all(half_way<K>), found, V::all(name<K + 1, Codes>))), ...);
    }
    (std::make_index_sequence<count - 1>{});
    return found;
  }
  /// The level above where `value` lies beyond the point half-way.
  template <class V>
  [[gnu::always_inline]] static V step(const V& value, const V& half, const V& found,
                                       const V& above) noexcept {
    if constexpr (Tie == tie::up) {
      return where_less(value, half, found, above);
    } else {
      return where_less(half, value, above, found);
    }
  }
  template <class V>
  [[gnu::always_inline]] static V magnitude(const V& value) noexcept {
    return greater(value, V::all(0.0f) - value);
  }

  /// The code of every level, by its distance from the least.
  static constexpr auto codes = [] {
    std::array<std::uint8_t, static_cast<std::size_t>(most - least + 1)> all{};
    for (const coded_level& each : steps) all[static_cast<std::size_t>(each.level - least)] = each.code;
    return all;
  }();
};

}  // namespace bitgauge::gguf
