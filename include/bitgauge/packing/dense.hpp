#pragma once

/// \file
/// Dense packing: codes of 1..8 bits one after the other, the first in the lowest bits of the first byte.
///
///     2 bits:  byte 0 = c0 | c1 << 2 | c2 << 4 | c3 << 6           [1,0,3,2] -> 1 + 0*4 + 3*16 + 2*64 = 177
///     3 bits:  byte 0 = c0 | c1 << 3 | (c2 & 3) << 6, byte 1 = c2 >> 2 | c3 << 1 | ...
///
/// Bits behind the last code are zero. Eight codes always fill `bits` whole bytes.

#include <bitgauge/config.hpp>

#include <cstdint>
#include <cstring>

namespace bitgauge::packing {

/// Bytes that `count` codes of `bits` bits take: ceil(count * bits / 8).
constexpr index dense_bytes(index count, int bits) noexcept {
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

namespace detail {

template <int Bits>
void pack(const std::uint8_t* fields, index count, std::uint8_t* out) noexcept {
  constexpr std::uint64_t mask = (1u << Bits) - 1u;
  const auto word_of = [&](const std::uint8_t* eight, index n) {
    std::uint64_t word = 0;
    for (index j = 0; j < n; ++j) word |= (eight[j] & mask) << (Bits * j);
    return word;
  };
  const auto store = [](std::uint64_t word, index bytes, std::uint8_t* to) {
    for (index b = 0; b < bytes; ++b) to[b] = static_cast<std::uint8_t>(word >> (8 * b));
  };
  index i = 0;
  for (; i + 8 <= count; i += 8, out += Bits) store(word_of(fields + i, 8), Bits, out);
  if (i < count) store(word_of(fields + i, count - i), dense_bytes(count - i, Bits), out);
}

template <int Bits>
void unpack(const std::uint8_t* packed, index count, std::uint8_t* fields) noexcept {
  constexpr std::uint64_t mask = (1u << Bits) - 1u;
  const auto word_at = [](const std::uint8_t* from, index bytes) {
    std::uint64_t word = 0;
    for (index b = 0; b < bytes; ++b) word |= static_cast<std::uint64_t>(from[b]) << (8 * b);
    return word;
  };
  const auto spread = [&](std::uint64_t word, std::uint8_t* eight, index n) {
    for (index j = 0; j < n; ++j) eight[j] = static_cast<std::uint8_t>((word >> (Bits * j)) & mask);
  };
  index i = 0;
  for (; i + 8 <= count; i += 8, packed += Bits) spread(word_at(packed, Bits), fields + i, 8);
  if (i < count) spread(word_at(packed, dense_bytes(count - i, Bits)), fields + i, count - i);
}

/// Calls action.template operator()<bits>(), the one place where a run-time width becomes a compile-time one.
template <class Action>
decltype(auto) with_bits(int bits, Action&& action) {
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

}  // namespace detail

/// Packs `count` codes, one a byte, of which the low `bits` bits count, into dense_bytes(count, bits) bytes.
inline void pack_dense(const std::uint8_t* fields, index count, int bits, std::uint8_t* out) noexcept {
  detail::with_bits(bits, [&]<int Bits>() { detail::pack<Bits>(fields, count, out); });
}

/// The inverse of pack_dense; the bits of `fields` above `bits` are zero.
inline void unpack_dense(const std::uint8_t* packed, index count, int bits, std::uint8_t* fields) noexcept {
  detail::with_bits(bits, [&]<int Bits>() { detail::unpack<Bits>(packed, count, fields); });
}

/// Code `i` of a dense sequence.
inline std::uint8_t dense_field(const std::uint8_t* packed, index i, int bits) noexcept {
  const index bit = i % 8 * bits;
  const std::uint8_t* byte = packed + i / 8 * bits + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  unsigned word = byte[0];
  if (shift + bits > 8) word |= static_cast<unsigned>(byte[1]) << 8;
  return static_cast<std::uint8_t>((word >> shift) & ((1u << bits) - 1u));
}

/// Overwrites code `i` of a dense sequence and leaves its neighbours alone.
inline void set_dense_field(std::uint8_t* packed, index i, int bits, std::uint8_t field) noexcept {
  const index bit = i % 8 * bits;
  std::uint8_t* byte = packed + i / 8 * bits + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  const unsigned mask = ((1u << bits) - 1u) << shift, value = static_cast<unsigned>(field) << shift & mask;
  byte[0] = static_cast<std::uint8_t>((byte[0] & ~mask) | value);
  if (shift + bits > 8) byte[1] = static_cast<std::uint8_t>((byte[1] & ~(mask >> 8)) | (value >> 8));
}

}  // namespace bitgauge::packing
