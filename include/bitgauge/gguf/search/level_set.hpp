#pragma once

/// \file
/// The levels of formats without an offset: which is nearest, sixteen numbers at a time.

#include <bitgauge/gguf/format/codebook.hpp>
#include <bitgauge/simd/lanes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bitgauge::gguf {

/// The integers Least..Most; code = level - Least.
template <int Least, int Most>
struct counted_level_set {
  static constexpr int least = Least, most = Most;

  template <int Bytes>
  [[gnu::always_inline]] static simd::lanes<Bytes> nearest(const simd::lanes<Bytes>& value) noexcept {
    return value.nearest_within(Least, Most);
  }
  static std::uint8_t code_of(int level) noexcept { return static_cast<std::uint8_t>(level - Least); }
};

/// The 16 levels of IQ4, by the points half-way between two; there the larger is taken, as in ggml.
struct iq4_level_set {
  static constexpr int least = -127, most = 113;

  template <int Bytes>
  [[gnu::always_inline]] static simd::lanes<Bytes> nearest(const simd::lanes<Bytes>& value) noexcept {
    using lanes = simd::lanes<Bytes>;
    lanes level = lanes::all(static_cast<float>(iq4_levels[0]));
    // written out step by step: a loop would look the numbers up
    [&]<std::size_t... K>(std::index_sequence<K...>) __attribute__((always_inline)) {
      ((level = where_less(value, lanes::all(half_way<K>), level, lanes::all(above<K>))), ...);
    }
    (std::make_index_sequence<iq4_levels.size() - 1>{});
    return level;
  }
  static std::uint8_t code_of(int level) noexcept { return codes[static_cast<std::size_t>(level - least)]; }

 private:
  template <std::size_t K>
  static constexpr float half_way = 0.5f * static_cast<float>(iq4_levels[K] + iq4_levels[K + 1]);
  template <std::size_t K>
  static constexpr auto above = static_cast<float>(iq4_levels[K + 1]);

  /// The code of every level, by its distance from the least.
  static constexpr auto codes = [] {
    std::array<std::uint8_t, most - least + 1> all{};
    for (std::size_t k = 0; k < iq4_levels.size(); ++k) {
      all[static_cast<std::size_t>(iq4_levels[k] - least)] = static_cast<std::uint8_t>(k);
    }
    return all;
  }();
};

}  // namespace bitgauge::gguf
