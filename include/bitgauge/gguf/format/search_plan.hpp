#pragma once

/// \file
/// What a description of a block format tells its encoders: how hard each search looks, and where. Every
/// plan has a default that suits the composition, so that a description states only what was found by trying.

#include <bitgauge/gguf/format/levels.hpp>
#include <bitgauge/gguf/format/scales.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf {

/// What the blocks of a format are made of: this chooses the encoders.
enum class block_family : std::uint8_t {
  one_scale,        ///< one scale in floating point
  scale_min,        ///< one scale and one minimum, both binary16
  byte_scale,       ///< a scale of one byte for each sub-block
  super_scale,      ///< a super-scale and a factor for each sub-block
  super_scale_min,  ///< the same, and the same for minima that are subtracted
  vector_codebook,  ///< elements coded in vectors, under super-scales
};

/// The family of a composition.
template <class Scale, class Levels, class Minimum>
consteval block_family family_of() {
  constexpr bool none = Minimum::entries == 0;
  if constexpr (vector_levels<Levels>) {
    static_assert(none && has_super<Scale>, "bitgauge: vectors of levels have super-scales and no minima");
    return block_family::vector_codebook;
  } else if constexpr (none) {
    if constexpr (has_super<Scale>) return block_family::super_scale;
    if constexpr (has_byte<Scale>) return block_family::byte_scale;
    return block_family::one_scale;
  } else {
    static_assert(counted_levels<Levels>, "bitgauge: a block with a minimum has evenly spaced levels");
    constexpr bool both_one = Scale::stored_bits == 16 && Minimum::stored_bits == 16;
    static_assert(subtracted_minimum<Minimum> ? has_super<Scale> && has_super<Minimum> : both_one,
                  "bitgauge: one binary16 scale goes with one binary16 minimum, super-scales go with minima "
                  "that are subtracted super-scales");
    return both_one ? block_family::scale_min : block_family::super_scale_min;
  }
}

/// What effort::fast does.
enum class fast_rule : std::uint8_t {
  search,     ///< as effort::normal
  extreme,    ///< without importance, and for 8 bits always: the scale from the extreme element
  reference,  ///< as ggml, whose rule has no search to be faster than
};

// effort::normal

/// The trials of sub-blocks: the extreme elements come to lie `reach + d` levels apart, d = 0, -step, step,
/// -2 step, ...; then, where there is no minimum, `turned` trials with the extreme element at the other end of
/// the levels; then some passes of refitting the best. Of scales of one byte: `count` codes from `turned`
/// below the one that fits the extreme element.
struct trials {
  float step;
  int count, turned, passes;

  /// The first `Count` distances from `reach` on, away from or towards zero. To be evaluated at compile time:
  /// in a program a compiler may fuse the product with the sum.
  template <int Count>
  consteval std::array<float, static_cast<std::size_t>(Count)> reaches(float reach) const noexcept {
    std::array<float, static_cast<std::size_t>(Count)> all{};
    for (int k = 0; k < Count; ++k) {
      const float distance = static_cast<float>((k + 1) / 2) * (k % 2 == 0 ? step : -step);
      all[static_cast<std::size_t>(k)] = reach < 0 ? reach - distance : reach + distance;
    }
    return all;
  }
};

/// The trial scales of a block with one scale, each by the number of levels that the extreme element then is:
/// `rule` is that of ggml's rule, `plain` are the trials without importance and `weighted` those with one,
/// under which the extreme may hardly count and scales far from its own can be the best.
template <std::size_t Plain, std::size_t Weighted>
struct scale_trials {
  float rule;
  std::array<float, Plain> plain;
  std::array<float, Weighted> weighted;
};
template <std::size_t Plain, std::size_t Weighted>
scale_trials(float, std::array<float, Plain>, std::array<float, Weighted>) -> scale_trials<Plain, Weighted>;

/// `Count` numbers from `first` to `last`; both signs of each where `Turned`. Evaluated at compile time: in a
/// program a compiler may fuse the product with the sum.
template <std::size_t Count, bool Turned>
consteval auto evenly(float first, float last) noexcept {
  std::array<float, (Turned ? 2 : 1) * Count> all{};
  for (std::size_t k = 0; k < Count; ++k) {
    all[k] = first + (last - first) * static_cast<float>(k) / static_cast<float>(Count - 1);
    if constexpr (Turned) all[Count + k] = -all[k];
  }
  return all;
}

/// `Count` numbers from `first` on, each `ratio` times the one before.
template <std::size_t Count, bool Turned>
consteval auto by_ratio(float first, float ratio) noexcept {
  std::array<float, (Turned ? 2 : 1) * Count> all{};
  for (std::size_t k = 0; k < Count; ++k, first *= ratio) {
    all[k] = first;
    if constexpr (Turned) all[Count + k] = -first;
  }
  return all;
}

// effort::best

/// The search of super-scales without minima: `scanned` of them, each numerator / denominator times the one
/// before, by a first look, and the best `tried` exactly.
struct super_scale_plan {
  int numerator = 251, denominator = 250;
  int scanned = 192, tried = 4;
  float rival = 1.05f;  ///< of the errors of either sign, up to which both are tried
  /// Times the scale that puts the greatest element at the far end, without and with importance.
  float widest = 1.6f, widest_weighted = 1.8f;
};

/// The search of super-scales with minima: the least at which nothing more is gained but by much time.
struct super_scale_min_plan {
  int scales = 3, minima = 1;  ///< super-scales tried at first, of either sign
  int refined = 1;             ///< how many of them are refitted
  int variations = 0;          ///< tried around the best
  float widest = 0.15f;        ///< how far a sub-scale may exceed the one fitted alone, as a share
  float cut = 0.3f;            ///< the share of the error that one cut off element may cost
};

/// The plan of effort::normal for formats whose description states none.
template <class Scale, class Levels, class Minimum>
consteval auto default_trials() {
  constexpr block_family family = family_of<Scale, Levels, Minimum>();
  if constexpr (family == block_family::vector_codebook) {
    return trials{};
  } else if constexpr (family == block_family::byte_scale) {
    return trials{0.0f, 10, 2, 0};
  } else if constexpr (family == block_family::one_scale) {
    constexpr auto last = static_cast<float>(last_level<Levels>);
    constexpr bool turned = usable_levels<Levels>.front().level != -usable_levels<Levels>.back().level;
    if constexpr (usable_levels<Levels>.size() <= 4) {
      constexpr auto all = by_ratio<18, turned>(0.7f * last, 1.3f);
      return scale_trials{last, all, all};
    } else {
      constexpr float least = last < 64.0f ? 0.65f : 0.86f;
      return scale_trials{last, evenly<24, turned>(least * last, 1.15f * last),
                          evenly<40, turned>(0.5f * last, 1.6f * last)};
    }
  } else {
    return trials{std::max(0.25f, static_cast<float>(last_level<Levels>) / 50.0f), 11, 3, 2};
  }
}

/// The plan of effort::best for formats whose description states none.
template <class Scale, class Levels, class Minimum>
consteval auto default_best() {
  if constexpr (family_of<Scale, Levels, Minimum>() == block_family::super_scale_min) {
    return super_scale_min_plan{};
  } else {
    return super_scale_plan{};
  }
}

}  // namespace bitgauge::gguf
