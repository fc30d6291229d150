#pragma once

/// \file
/// Sixteen interleaved decoders of asymmetric numeral systems (rANS), each walking through a trellis of its own.

#include <bitgauge/base/config.hpp>

#include <cstdint>

namespace bitgauge::simd {

/// What sixteen lanes have in common, and where each is. A lane's number x is at least 2^16 between two symbols.
struct rans_lanes {
  static constexpr int count = 16, precision = 12;
  static constexpr std::uint32_t slots = 1u << precision, least = 1u << 16;

  /// An entry of a table: slot x mod 2^12 belongs to `symbol`, whose first slot is slot - rank.
  static constexpr std::uint32_t entry(int symbol, std::uint32_t frequency, std::uint32_t rank) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(symbol)) << 24 | (frequency - 1) << 12 | rank;
  }

  const std::uint32_t* tables = nullptr;  ///< of 2^12 entries each
  std::uint32_t table[count] = {};  ///< the first entry of each lane's table; that of odd states follows it
  int present = count;              ///< the lanes behind are left alone, and their levels are anything
  std::uint32_t number[count] = {};
  std::uint32_t state[count] = {};
  /// next state = state >> 1, xor by_parity where the state is odd, xor by_symbol where the symbol is.
  std::uint32_t by_parity = 0, by_symbol = 0;
  bool is_scalar = true;       ///< a level is the symbol; else it is 2 symbol + parity of the state
  bool meets_escapes = false;  ///< set where a symbol lies outside -125..125
};

namespace detail {

/// One row; `Roomy` where there is a word left for each lane. Returns false where words were missing.
template <bool Roomy>
bool decode_rans_row(rans_lanes& lanes, std::uint32_t row_table, const std::uint8_t*& at,
                     const std::uint8_t* end, std::int16_t* levels) {
  const std::uint8_t* from = at;
  bool escapes = false;
  for (int i = 0; i < lanes.present; ++i) {
    const std::uint32_t parity = lanes.state[i] & 1u, x = lanes.number[i];
    const std::uint32_t entry =
        lanes.tables[lanes.table[i] + row_table + parity * rans_lanes::slots + (x & (rans_lanes::slots - 1))];
    const int symbol = static_cast<std::int8_t>(entry >> 24);
    const std::uint32_t next = ((entry >> 12 & 0xfffu) + 1) * (x >> rans_lanes::precision) + (entry & 0xfffu);
    const bool takes = next < rans_lanes::least;
    if (!Roomy && takes && end - from < 2) return false;
    std::uint32_t whole = next;
    if (Roomy || takes) {  // without a branch where it can be: which lanes take a word is anyone's guess
      const std::uint32_t word = static_cast<std::uint32_t>(from[0]) | static_cast<std::uint32_t>(from[1])
                                                                           << 8;
      whole = takes ? next << 16 | word : next;
    }
    from += takes ? 2 : 0;
    lanes.number[i] = whole;
    lanes.state[i] = lanes.state[i] >> 1 ^ ((0u - parity) & lanes.by_parity) ^
                     ((0u - (static_cast<std::uint32_t>(symbol) & 1u)) & lanes.by_symbol);
    escapes |= static_cast<std::uint32_t>(symbol + 125) > 250u;
    levels[i] = static_cast<std::int16_t>(lanes.is_scalar ? symbol : 2 * symbol + static_cast<int>(parity));
  }
  at = from;
  lanes.meets_escapes = lanes.meets_escapes || escapes;
  return true;
}

}  // namespace detail

namespace portable {

inline const std::uint8_t* decode_rans(rans_lanes& lanes, const std::uint32_t* row_tables, index_t rows,
                                       const std::uint8_t* at, const std::uint8_t* end,
                                       std::int16_t* levels) {
  for (index_t row = 0; row < rows; ++row, levels += rans_lanes::count) {
    const bool is_decoded = end - at >= 2 * rans_lanes::count
                                ? detail::decode_rans_row<true>(lanes, row_tables[row], at, end, levels)
                                : detail::decode_rans_row<false>(lanes, row_tables[row], at, end, levels);
    if (!is_decoded) return nullptr;
  }
  return at;
}

}  // namespace portable

struct rans_operations {
  decltype(portable::decode_rans)* decode_rans = portable::decode_rans;
};

}  // namespace bitgauge::simd
