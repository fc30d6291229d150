#pragma once

/// \file
/// Bytes to dense bit fields and back, portable version: eight codes at a time become one 64-bit word, of
/// which the low `bits` bytes are kept. packing/dense.hpp describes the layout.

#include <bitgauge/base/config.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {
namespace detail {

/// Calls action.template operator()<bits>(), the one place where a run-time width becomes a compile-time one.
template <class Action>
[[gnu::always_inline]] inline decltype(auto) with_bits(int bits, Action&& action) {
  switch (bits) {
    case 1:
      return action.template operator()<1>();
    case 2:
      return action.template operator()<2>();
    case 3:
      return action.template operator()<3>();
    case 4:
      return action.template operator()<4>();
    case 5:
      return action.template operator()<5>();
    case 6:
      return action.template operator()<6>();
    case 7:
      return action.template operator()<7>();
    default:
      return action.template operator()<8>();
  }
}

/// The first `count` codes, of `bits` bits each, as one word.
[[gnu::always_inline]] inline std::uint64_t word_of(const std::uint8_t* codes, index_t count,
                                                    int bits) noexcept {
  const std::uint64_t mask = (1u << bits) - 1u;
  std::uint64_t word = 0;
  for (index_t j = 0; j < count; ++j) word |= (codes[j] & mask) << (bits * j);
  return word;
}
[[gnu::always_inline]] inline void store_word(std::uint64_t word, index_t bytes, std::uint8_t* to) noexcept {
  for (index_t b = 0; b < bytes; ++b) to[b] = static_cast<std::uint8_t>(word >> (8 * b));
}
/// The way back.
[[gnu::always_inline]] inline std::uint64_t word_at(const std::uint8_t* from, index_t bytes) noexcept {
  std::uint64_t word = 0;
  for (index_t b = 0; b < bytes; ++b) word |= static_cast<std::uint64_t>(from[b]) << (8 * b);
  return word;
}
[[gnu::always_inline]] inline void spread(std::uint64_t word, index_t count, int bits, std::uint8_t sign,
                                          std::uint8_t* codes) noexcept {
  const std::uint64_t mask = (1u << bits) - 1u;
  for (index_t j = 0; j < count; ++j) {
    const auto field = static_cast<unsigned>((word >> (bits * j)) & mask);
    codes[j] = static_cast<std::uint8_t>((field ^ sign) - sign);
  }
}

/// The same of eight bytes, in one access: GCC makes a loop of the above.
[[gnu::always_inline]] inline void store_word(std::uint64_t word, std::uint8_t* to) noexcept {
  if constexpr (std::endian::native == std::endian::little)
    std::memcpy(to, &word, sizeof word);
  else
    store_word(word, 8, to);
}
[[gnu::always_inline]] inline std::uint64_t word_at(const std::uint8_t* from) noexcept {
  if constexpr (std::endian::native != std::endian::little) return word_at(from, 8);
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// The last codes of a row, fewer than eight: one function for every width, as it is compiled in every program.
inline void pack_last(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) noexcept {
  store_word(word_of(codes, count, bits), (count * bits + 7) / 8, out);
}
inline void unpack_last(const std::uint8_t* packed, index_t count, int bits, std::uint8_t sign,
                        std::uint8_t* codes) noexcept {
  spread(word_at(packed, (count * bits + 7) / 8), count, bits, sign, codes);
}

/// (field ^ sign) - sign is the two's complement value of a field of `bits` bits; 0 leaves it as it is.
constexpr std::uint8_t field_sign(int bits, bool sign_extend) noexcept {
  return static_cast<std::uint8_t>(sign_extend ? 1u << (bits - 1) : 0u);
}

}  // namespace detail

namespace portable {

// Eight codes are moved together by halves: fields in the upper half of each 16, 32 and 64 bits. The same few
// instructions for every width, and compiled once.

inline void pack(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) {
  if (bits == 8) return void(std::copy_n(codes, count, out));
  constexpr std::uint64_t each_byte = 0x0101010101010101;
  const std::uint64_t mask = ((1u << bits) - 1u) * each_byte;
  const int gap = 8 - bits;
  const auto closer = [](std::uint64_t word, std::uint64_t lower, int by) {
    return (word & lower) | (word & ~lower) >> by;
  };
  index_t i = 0;
  for (; i + 8 <= count; i += 8, out += bits) {
    std::uint64_t word = detail::word_at(codes + i) & mask;
    word = closer(word, 0x00ff00ff00ff00ff, gap);
    word = closer(word, 0x0000ffff0000ffff, 2 * gap);
    word = closer(word, 0x00000000ffffffff, 4 * gap);
    // what is behind the codes is written again, or is no longer there
    if ((count - i) / 8 * bits >= 8)
      detail::store_word(word, out);
    else
      detail::store_word(word, bits, out);
  }
  if (i < count) detail::pack_last(codes + i, count - i, bits, out);
}

inline void unpack(const std::uint8_t* packed, index_t count, int bits, bool sign_extend,
                   std::uint8_t* codes) {
  if (bits == 8) return void(std::copy_n(packed, count, codes));
  constexpr std::uint64_t each_byte = 0x0101010101010101;
  const std::uint64_t mask = (1u << bits) - 1u, above = 0xff & ~mask;
  const int gap = 8 - bits;
  const auto apart = [](std::uint64_t word, std::uint64_t lower, int by, std::uint64_t kept) {
    return (word & kept) | (word << by & ~lower);
  };
  const std::uint64_t kept = mask * 0x0001000100010001,
                      pairs = ((1u << 2 * bits) - 1u) * 0x0000000100000001ull,
                      fours = (std::uint64_t{1} << 4 * bits) - 1u;
  const std::uint64_t extension = sign_extend ? above : 0;
  index_t i = 0;
  for (; i + 8 <= count; i += 8, packed += bits) {
    std::uint64_t word =
        (count - i) / 8 * bits >= 8 ? detail::word_at(packed) : detail::word_at(packed, bits);
    word = apart(word, 0x00000000ffffffff, 4 * gap, fours);
    word = apart(word, 0x0000ffff0000ffff, 2 * gap, pairs);
    word = apart(word, 0x00ff00ff00ff00ff, gap, kept) & mask * each_byte;
    word |= (word >> (bits - 1) & each_byte) * extension;
    detail::store_word(word, codes + i);
  }
  if (i < count)
    detail::unpack_last(packed, count - i, bits, detail::field_sign(bits, sign_extend), codes + i);
}

}  // namespace portable
}  // namespace bitgauge::simd
