#pragma once

/// \file
/// How the blocks of ggml store their elements. Each storage unpacks to `codes`, the numbers as stored, and
/// expands those to integer levels of eight bits, one an element: real = scale * level + minimum.

#include <bitgauge/gguf/format/bit_field.hpp>
#include <bitgauge/gguf/format/codebook.hpp>
#include <bitgauge/simd/lanes/vector.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace bitgauge::gguf {

/// A code of at most eight bits for every element.
template <class Layout>
struct element_codes {
  static constexpr int entries = Layout::entries;
  static constexpr int stored_bits = Layout::stored_bits;
  using codes = std::array<std::uint8_t, static_cast<std::size_t>(entries)>;

  static constexpr void unpack(const std::uint8_t* bytes, codes& stored) noexcept {
    Layout::unpack(bytes, stored.data());
  }
  static constexpr void pack(const codes& stored, std::uint8_t* bytes) noexcept {
    Layout::pack(stored.data(), bytes);
  }
};

/// level = code - Zero, as an integer of eight bits with sign. `Least` and `Most` bound the levels that
/// encoders use.
template <class Layout, int Zero, int Least, int Most>
struct integer_levels : element_codes<Layout> {
  static constexpr int zero = Zero, least = Least, most = Most;

  static constexpr void expand(const typename element_codes<Layout>::codes& stored,
                               std::int8_t* levels) noexcept {
    for (int j = 0; j < Layout::entries; ++j) {
      levels[j] = static_cast<std::int8_t>(stored[static_cast<std::size_t>(j)] - Zero);
    }
  }
};

/// Which level encoders take half-way between two: the lower, or the upper one.
enum class tie : std::uint8_t { down, up };

/// level = Table[code].
template <class Layout, const auto& Table, tie Tie = tie::down>
struct table_levels : element_codes<Layout> {
  static constexpr const auto& table = Table;
  static constexpr tie half_way = Tie;
  static constexpr int code_count = 1 << Layout::bits;
  static_assert(Table.size() == std::size_t{code_count});

  static constexpr void expand(const typename element_codes<Layout>::codes& stored,
                               std::int8_t* levels) noexcept {
    for (int j = 0; j < Layout::entries; ++j) levels[j] = Table[stored[static_cast<std::size_t>(j)]];
  }
};

/// Codes 0, 1, 2 in base 3 from byte `Byte` on, five to a byte, the first most significant: a byte holds
/// ceil(q * 256 / 243), so that digit i is the integer part of 3 * fraction(byte * 3^i / 256). Runs of 32, 16
/// and 4 bytes; in the last a byte has four digits and a fifth of 0.
template <int Byte>
struct ternary_layout {
  static constexpr int entries = 256;
  static constexpr int stored_bits = 52 * 8;

  static constexpr void unpack(const std::uint8_t* bytes, std::uint8_t* codes) noexcept {
    each_byte([&](int byte, int first, int run, int digits) {
      auto fraction = bytes[Byte + byte];
      for (int i = 0; i < digits; ++i) {
        codes[first + i * run] = static_cast<std::uint8_t>(fraction * 3 >> 8);
        fraction = static_cast<std::uint8_t>(fraction * 3);
      }
    });
  }
  static constexpr void pack(const std::uint8_t* codes, std::uint8_t* bytes) noexcept {
    each_byte([&](int byte, int first, int run, int digits) {
      int number = 0;
      for (int i = 0; i < 5; ++i) number = 3 * number + (i < digits ? codes[first + i * run] : 0);
      bytes[Byte + byte] = static_cast<std::uint8_t>((number * 256 + 242) / 243);
    });
  }

 private:
  static constexpr void each_byte(auto&& visit) noexcept {
    for (int m = 0; m < 32; ++m) visit(m, m, 32, 5);
    for (int m = 0; m < 16; ++m) visit(32 + m, 160 + m, 16, 5);
    for (int m = 0; m < 4; ++m) visit(48 + m, 240 + m, 4, 4);
  }
};

/// The codes of a codebook format: an index for each group, and for each run of elements a pattern of signs
/// (bit i negates element i) or, for IQ1, a bit for the direction of the shift.
template <int Groups, int Signs>
struct codebook_codes {
  std::array<std::uint16_t, static_cast<std::size_t>(Groups)> index{};
  std::array<std::uint8_t, static_cast<std::size_t>(Signs)> sign{};
};

/// Seven bits of signs, of which the eighth is the parity: an even number of elements is negative.
struct even_parity {
  static constexpr bool is_even = true;
  static constexpr std::uint8_t pattern(std::uint8_t stored) noexcept {
    return static_cast<std::uint8_t>(stored | (std::popcount(stored) & 1) << 7);
  }
};
/// A sign for every element.
struct free_signs {
  static constexpr bool is_even = false;
  static constexpr std::uint8_t pattern(std::uint8_t stored) noexcept { return stored; }
};

/// Vectors of elements coded by the entries of a codebook, and signs or shifts of runs of elements.
template <class IndexLayout, class SignLayout, class Parity, const auto& Codebook>
struct vector_codes {
  static constexpr const auto& book = Codebook;
  static constexpr int dimension = Codebook.dimension;
  static constexpr int entries = IndexLayout::entries * dimension;
  static constexpr int stored_bits = IndexLayout::stored_bits + SignLayout::stored_bits;
  using parity = Parity;
  using codes = codebook_codes<IndexLayout::entries, SignLayout::entries>;
  static_assert(Codebook.entries == 1 << IndexLayout::bits);

  // by way of arrays of its own, which `bytes` cannot alias, so that rows of indices become vectors
  static constexpr void unpack(const std::uint8_t* bytes, codes& stored) noexcept {
    std::array<typename IndexLayout::code, IndexLayout::entries> index{};
    IndexLayout::unpack(bytes, index.data());
    for (std::size_t g = 0; g < index.size(); ++g) stored.index[g] = index[g];
    SignLayout::unpack(bytes, stored.sign.data());
    for (std::uint8_t& sign : stored.sign) sign = Parity::pattern(sign);
  }
  static constexpr void pack(const codes& stored, std::uint8_t* bytes) noexcept {
    std::array<typename IndexLayout::code, IndexLayout::entries> index{};
    for (std::size_t g = 0; g < index.size(); ++g) {
      index[g] = static_cast<typename IndexLayout::code>(stored.index[g]);
    }
    IndexLayout::pack(index.data(), bytes);
    SignLayout::pack(stored.sign.data(), bytes);
  }
};

namespace detail {

/// Negates level i where bit i of `signs` is set: eight levels at once, without a branch, as signs are as
/// good as random.
constexpr void negate(std::uint8_t signs, std::int8_t* levels) noexcept {
  if (std::is_constant_evaluated()) {
    for (int i = 0; i < 8; ++i) {
      if ((signs >> i & 1) != 0) levels[i] = static_cast<std::int8_t>(-levels[i]);
    }
    return;
  }
  using byte_lanes = simd::vector<std::int8_t, 8>;
  constexpr byte_lanes bit{1, 2, 4, 8, 16, 32, 64, -128};
  const auto all = static_cast<std::int8_t>(signs);
  const byte_lanes copies{all, all, all, all, all, all, all, all};
  byte_lanes magnitude;
  std::memcpy(&magnitude, levels, sizeof magnitude);
  const byte_lanes negative = (copies & bit) != 0;  // -1 or 0
  magnitude = (magnitude ^ negative) - negative;
  std::memcpy(levels, &magnitude, sizeof magnitude);
}

}  // namespace detail

/// level = +-Codebook[index], with a sign for every element. `sign` holds patterns of eight elements.
template <class IndexLayout, class SignLayout, class Parity, const auto& Codebook>
struct signed_codebook_levels : vector_codes<IndexLayout, SignLayout, Parity, Codebook> {
  using base = vector_codes<IndexLayout, SignLayout, Parity, Codebook>;
  static_assert(SignLayout::entries * 8 == base::entries);

  static constexpr void expand(const typename base::codes& stored, std::int8_t* levels) noexcept {
    for (std::size_t g = 0; g < stored.index.size(); ++g) {
      std::copy_n(codebook_vectors<Codebook>[stored.index[g]].data(), base::dimension,
                  levels + g * base::dimension);
    }
    for (std::size_t i = 0; i < stored.sign.size(); ++i) detail::negate(stored.sign[i], levels + 8 * i);
  }
};

/// level = Codebook[index] + 1, or - 1 where the bit of its run is set: ternary values in eighths, shifted by
/// an eighth.
template <class IndexLayout, class ShiftLayout, const auto& Codebook>
struct shifted_codebook_levels : vector_codes<IndexLayout, ShiftLayout, free_signs, Codebook> {
  using base = vector_codes<IndexLayout, ShiftLayout, free_signs, Codebook>;
  static constexpr int shift_run = base::entries / ShiftLayout::entries;  ///< elements that share a shift
  static_assert(ShiftLayout::bits == 1);

  static constexpr void expand(const typename base::codes& stored, std::int8_t* levels) noexcept {
    constexpr auto dimension = static_cast<std::size_t>(base::dimension);
    for (std::size_t g = 0; g < stored.index.size(); ++g) {
      const auto& vector = codebook_vectors<Codebook>[stored.index[g]];
      const int shift = 1 - 2 * stored.sign[g * dimension / shift_run];
      for (std::size_t j = 0; j < dimension; ++j) {
        levels[g * dimension + j] = static_cast<std::int8_t>(vector[j] + shift);
      }
    }
  }
};

/// Levels that are codes less a constant; levels that a table lists; vectors of levels from a codebook.
template <class Levels>
concept counted_levels = requires { Levels::zero; };
template <class Levels>
concept listed_levels = requires { Levels::table; };
template <class Levels>
concept vector_levels = requires { Levels::book; };

/// A level and a code that stands for it.
struct coded_level {
  std::int8_t level = 0;
  std::uint8_t code = 0;
};

/// What encoders choose from, ascending in the levels; a level of several codes comes several times, the
/// least code first.
template <class Levels>
requires(!vector_levels<Levels>)
inline constexpr auto usable_levels = [] {
  if constexpr (counted_levels<Levels>) {
    std::array<coded_level, static_cast<std::size_t>(Levels::most - Levels::least + 1)> all{};
    for (std::size_t k = 0; k < all.size(); ++k) {
      const int level = Levels::least + static_cast<int>(k);
      all[k] = {static_cast<std::int8_t>(level), static_cast<std::uint8_t>(level + Levels::zero)};
    }
    return all;
  } else {
    std::array<coded_level, static_cast<std::size_t>(Levels::code_count)> all{};
    for (std::size_t k = 0; k < all.size(); ++k) {
      const coded_level added{Levels::table[k], static_cast<std::uint8_t>(k)};
      std::size_t to = k;  // a stable sort by insertion: tables are short
      for (; to > 0 && all[to - 1].level > added.level; --to) all[to] = all[to - 1];
      all[to] = added;
    }
    return all;
  }
}();

/// The largest magnitude of a level.
template <class Levels>
inline constexpr int last_level =
    std::max<int>(-usable_levels<Levels>.front().level, usable_levels<Levels>.back().level);

}  // namespace bitgauge::gguf
