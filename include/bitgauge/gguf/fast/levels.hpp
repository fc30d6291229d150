#pragma once

/// \file
/// The nearest level of sixteen values at once, for each kind of levels that ggml's blocks have.

#include <bitgauge/gguf/format/codebook.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/simd/lanes.hpp>

#include <cstddef>

namespace bitgauge::gguf::quick {

/// level_set<Levels>: `least` and `most`; nearest(v), the level nearest to v; code(v), the code of that
/// level.
template <class Levels>
struct level_set;

/// Integers: code = level + zero.
template <class Levels>
requires requires { Levels::zero; }
struct level_set<Levels> {
  static constexpr float least = Levels::least, most = Levels::most;

  template <class Lanes>
  [[gnu::always_inline]] static Lanes nearest(const Lanes& value) noexcept {
    return smaller(greater(value, Lanes::all(least)), Lanes::all(most)).rounded();
  }
  template <class Lanes>
  [[gnu::always_inline]] static Lanes code(const Lanes& value) noexcept {
    return nearest(value) + Lanes::all(Levels::zero);
  }
};

/// The ascending levels of IQ4: a level is passed where its upper neighbour is nearer.
template <class Levels>
requires(&Levels::table == &iq4_levels)
struct level_set<Levels> {
  static constexpr float least = iq4_levels.front(), most = iq4_levels.back();

  template <class Lanes>
  [[gnu::always_inline]] static Lanes nearest(const Lanes& value) noexcept {
    return walk(value, [](std::size_t k) { return static_cast<float>(iq4_levels[k]); });
  }
  template <class Lanes>
  [[gnu::always_inline]] static Lanes code(const Lanes& value) noexcept {
    return walk(value, [](std::size_t k) { return static_cast<float>(k); });
  }

 private:
  template <class Lanes, class Name>
  [[gnu::always_inline]] static Lanes walk(const Lanes& value, const Name& name) noexcept {
    auto found = Lanes::all(name(0));
    for (std::size_t k = 1; k < iq4_levels.size(); ++k) {
      const float half_way = 0.5f * static_cast<float>(iq4_levels[k - 1] + iq4_levels[k]);
      found = where_less(Lanes::all(half_way), value, Lanes::all(name(k)), found);
    }
    return found;
  }
};

/// The doubled E2M1 levels: eight magnitudes, and eight more codes for the negative ones.
template <class Levels>
requires(&Levels::table == &e2m1_doubled_levels)
struct level_set<Levels> {
  static constexpr float least = -12, most = 12;

  template <class Lanes>
  [[gnu::always_inline]] static Lanes nearest(const Lanes& value) noexcept {
    const auto zero = Lanes::all(0.0f);
    const auto level = walk(greater(value, zero - value),
                            [](std::size_t k) { return static_cast<float>(e2m1_doubled_levels[k]); });
    return where_less(value, zero, zero - level, level);
  }
  template <class Lanes>
  [[gnu::always_inline]] static Lanes code(const Lanes& value) noexcept {
    const auto zero = Lanes::all(0.0f);
    const auto rank = walk(greater(value, zero - value), [](std::size_t k) { return static_cast<float>(k); });
    const auto negative = where_less(zero, rank, rank + Lanes::all(8.0f), zero);  // no minus zero
    return where_less(value, zero, negative, rank);
  }

 private:
  template <class Lanes, class Name>
  [[gnu::always_inline]] static Lanes walk(const Lanes& magnitude, const Name& name) noexcept {
    auto found = Lanes::all(name(0));
    for (std::size_t k = 1; k < 8; ++k) {
      const float half_way = 0.5f * static_cast<float>(e2m1_doubled_levels[k - 1] + e2m1_doubled_levels[k]);
      found = where_less(Lanes::all(half_way), magnitude, Lanes::all(name(k)), found);
    }
    return found;
  }
};

/// The levels of Q1_0: the sign, that of 0 being positive.
template <class Levels>
requires(&Levels::table == &sign_levels)
struct level_set<Levels> {
  static constexpr float least = -1, most = 1;

  template <class Lanes>
  [[gnu::always_inline]] static Lanes nearest(const Lanes& value) noexcept {
    return where_less(value, Lanes::all(0.0f), Lanes::all(least), Lanes::all(most));
  }
  template <class Lanes>
  [[gnu::always_inline]] static Lanes code(const Lanes& value) noexcept {
    return where_less(value, Lanes::all(0.0f), Lanes::all(0.0f), Lanes::all(1.0f));
  }
};

}  // namespace bitgauge::gguf::quick
