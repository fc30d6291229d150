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

namespace portable {

inline const std::uint8_t* decode_rans(rans_lanes& lanes, const std::uint32_t* row_tables, index_t rows,
                                       const std::uint8_t* at, const std::uint8_t* end,
                                       std::int16_t* levels) {
  bool escapes = false;
  for (index_t row = 0; row < rows; ++row, levels += rans_lanes::count) {
    for (int i = 0; i < lanes.present; ++i) {
      const std::uint32_t parity = lanes.state[i] & 1u, x = lanes.number[i];
      const std::uint32_t entry = lanes.tables[lanes.table[i] + row_tables[row] + parity * rans_lanes::slots +
                                               (x & (rans_lanes::slots - 1))];
      const int symbol = static_cast<std::int8_t>(entry >> 24);
      std::uint32_t next = ((entry >> 12 & 0xfffu) + 1) * (x >> rans_lanes::precision) + (entry & 0xfffu);
      if (next < rans_lanes::least) {
        if (end - at < 2) return nullptr;
        next = next << 16 | static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8;
        at += 2;
      }
      lanes.number[i] = next;
      lanes.state[i] = lanes.state[i] >> 1 ^ (parity != 0 ? lanes.by_parity : 0) ^
                       ((symbol & 1) != 0 ? lanes.by_symbol : 0);
      escapes = escapes || symbol > 125 || symbol < -125;
      levels[i] = static_cast<std::int16_t>(lanes.is_scalar ? symbol : 2 * symbol + static_cast<int>(parity));
    }
  }
  lanes.meets_escapes = lanes.meets_escapes || escapes;
  return at;
}

}  // namespace portable

struct rans_operations {
  decltype(portable::decode_rans)* decode_rans = portable::decode_rans;
};

}  // namespace bitgauge::simd
