#pragma once

/// \file
/// The levels behind the codes of the codebook formats: single values (IQ4_NL, E2M1) and whole vectors of
/// four or eight (IQ1, IQ2, IQ3).

#include <bitgauge/gguf/format/codebook_iq1.hpp>
#include <bitgauge/gguf/format/codebook_iq2.hpp>
#include <bitgauge/gguf/format/codebook_iq3.hpp>

#include <array>
#include <bit>
#include <cstdint>

namespace bitgauge::gguf {

/// The 16 values of IQ4_NL and IQ4_XS.
inline constexpr std::array<std::int8_t, 16> iq4_levels{-127, -104, -83, -65, -49, -35, -22, -10,
                                                        1,    13,   25,  38,  53,  69,  89,  113};

/// Twice the 16 values of E2M1, the codes of MXFP4 and NVFP4; code 8, minus zero, decodes to zero.
inline constexpr std::array<std::int8_t, 16> e2m1_doubled_levels{0, 1,  2,  3,  4,  6,  8,  12,
                                                                 0, -1, -2, -3, -4, -6, -8, -12};

/// A codebook of `Entries` vectors of `Dimension` levels, each one of `Levels`.
template <int Entries, int Dimension, int Levels>
struct codebook {
  static constexpr int entries = Entries;
  static constexpr int dimension = Dimension;
  static constexpr int level_bits = std::bit_width(static_cast<unsigned>(Levels - 1));

  const std::array<std::uint16_t, static_cast<std::size_t>(Entries)>&
      packed;  ///< level numbers, `level_bits` each, first lowest
  std::array<std::int8_t, static_cast<std::size_t>(Levels)>
      levels;  ///< what the level numbers stand for, ascending

  /// The number, 0..Levels-1, of the level of element `element` in `entry`.
  constexpr int level_number(int entry, int element) const noexcept {
    return (packed[static_cast<std::size_t>(entry)] >> (level_bits * element)) & ((1 << level_bits) - 1);
  }

  /// Every vector written out.
  constexpr auto expanded() const noexcept {
    std::array<std::array<std::int8_t, static_cast<std::size_t>(Dimension)>,
               static_cast<std::size_t>(Entries)>
        vectors{};
    for (int entry = 0; entry < Entries; ++entry) {
      for (int element = 0; element < Dimension; ++element) {
        vectors[static_cast<std::size_t>(entry)][static_cast<std::size_t>(element)] =
            levels[static_cast<std::size_t>(level_number(entry, element))];
      }
    }
    return vectors;
  }
};

/// Eight magnitudes an entry; the signs are stored apart.
inline constexpr codebook<256, 8, 3> iq2_xxs_codebook{detail::iq2_xxs_entries, {8, 25, 43}};
inline constexpr codebook<512, 8, 3> iq2_xs_codebook{detail::iq2_xs_entries, {8, 25, 43}};
inline constexpr codebook<1024, 8, 3> iq2_s_codebook{detail::iq2_s_entries, {8, 25, 43}};
/// Four magnitudes an entry.
inline constexpr codebook<256, 4, 8> iq3_xxs_codebook{detail::iq3_xxs_entries,
                                                      {4, 12, 20, 28, 36, 44, 52, 62}};
inline constexpr codebook<512, 4, 8> iq3_s_codebook{detail::iq3_s_entries, {1, 3, 5, 7, 9, 11, 13, 15}};
/// Eight signed levels an entry, counted in eighths so that the shift of an eighth is a whole number too.
inline constexpr codebook<2048, 8, 3> iq1_codebook{detail::iq1_entries, {-8, 0, 8}};

/// The vectors of `Codebook` written out, made once at compile time.
template <const auto& Codebook>
inline constexpr auto codebook_vectors = Codebook.expanded();

}  // namespace bitgauge::gguf
