#pragma once

/// \file
/// How often which integer is expected: the distributions of the entropy coder, each a few bytes.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/trellis/trellis_code.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge::packing {

/// The shapes of distributions of levels k.
enum class level_shape : std::uint8_t {
  gaussian,  ///< 2^(-a k^2)
  laplace,   ///< 2^(-a |k|)
  student1,  ///< 1 / (1 + k^2 / b)
  student3,  ///< its square, Student's t with three degrees of freedom
  student7,  ///< its fourth power
  mirrored,  ///< a weight for each |k|
  listed     ///< a weight for each k
};

/// Frequencies of symbols in units of 2^-12, by symbol + 128. Symbols are -125 .. 125, and four escapes, which say of a
/// level outside of the range on which side it is and whether its symbol is even: -128, -127, 126, 127.
using symbol_frequencies = std::array<std::uint16_t, 256>;

/// A distribution of levels low .. high, and of what lies outside.
struct level_model {
  static constexpr int most_symbol = 125, most_level = 32767;

  level_shape shape = level_shape::gaussian;
  int low = 0, high = 0;                ///< low = -high but for `listed`
  int escape = 0;                       ///< frequency of each escape in units of 2^-12; 0: there are none
  int parameter = 0;                    ///< of gaussian to student7: 0 .. 255
  std::vector<std::uint8_t> weights{};  ///< of mirrored and listed: 0 is none, e * 16 + m is (16 + m) * 2^e

  /// The largest magnitude that `high` and `low` can have.
  static constexpr int most_range(bool is_trellis) noexcept {
    return is_trellis ? 2 * most_symbol : most_symbol;
  }

  /// The frequencies of symbols behind a state of this parity. Their sum is 2^12. The same everywhere: integers alone.
  BITGAUGE_DECLARE symbol_frequencies frequencies(bool is_trellis, int parity) const;

  BITGAUGE_DECLARE void write(std::vector<std::uint8_t>& bytes) const;
  /// Reads what write() wrote from the front of `bytes` and moves that on. Raises data_error.
  BITGAUGE_DECLARE static level_model read(std::span<const std::uint8_t>& bytes, bool is_trellis);
};

namespace detail {

/// The symbols of a range of levels behind a state of some parity; first > last where there are none.
struct symbol_range {
  int first, last;

  symbol_range(const level_model& m, bool is_trellis, int parity) noexcept
      : first(is_trellis ? -((parity - m.low) >> 1) : m.low),
        last(is_trellis ? (m.high - parity) >> 1 : m.high) {}

  /// The symbol nearest to the range on the side of an escape, with its lowest bit.
  int base_of(int escape) const noexcept {
    const int next = escape > 0 ? last + 1 : first - 1;
    return ((next ^ escape) & 1) == 0 ? next : escape > 0 ? next + 1 : next - 1;
  }
  bool holds(int symbol) const noexcept { return first <= symbol && symbol <= last; }
  /// The escape of a symbol that the range does not hold.
  int escape_of(int symbol) const noexcept {
    return symbol > last ? 126 + (symbol & 1) : -128 + (symbol & 1);
  }
};

}  // namespace detail
}  // namespace bitgauge::packing

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/packing/entropy/level_model_definitions.hpp>
#endif
