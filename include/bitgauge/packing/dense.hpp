#pragma once

/// \file
/// Dense packing: codes of 1..8 bits one after the other, the first in the lowest bits of the first byte.
///
///     2 bits:  byte 0 = c0 | c1 << 2 | c2 << 4 | c3 << 6           [1,0,3,2] -> 1 + 0*4 + 3*16 + 2*64 = 177
///     3 bits:  byte 0 = c0 | c1 << 3 | (c2 & 3) << 6, byte 1 = c2 >> 2 | c3 << 1 | ...
///
/// Bits behind the last code are zero. Eight codes always fill `bits` whole bytes.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/simd/row.hpp>

#include <cstdint>
#include <vector>

namespace bitgauge::packing {
namespace detail {

inline void require_dense(index_t count, int bits) {
  if (bits < 1 || bits > 8)
    bitgauge::detail::raise_message<invalid_scheme>({"dense codes: expected 1 to 8 bits, found ", bits});
  if (count < 0)
    bitgauge::detail::raise_message<shape_error>({"dense codes: expected 0 codes or more, found ", count});
}

}  // namespace detail

/// Bytes that `count` codes of `bits` bits take: ceil(count * bits / 8).
constexpr index_t dense_bytes(index_t count, int bits) noexcept {
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

/// Packs `count` codes, one a byte, of which the low `bits` bits count, into dense_bytes(count, bits) bytes.
/// Throws invalid_scheme unless bits is 1..8, shape_error for a negative count; so do unpack_dense() and
/// packed_dense().
inline void pack_dense(const std::uint8_t* fields, index_t count, int bits, std::uint8_t* out) {
  detail::require_dense(count, bits);
  simd::pack(fields, count, bits, out);
}

/// The inverse of pack_dense; the bits of `fields` above `bits` are zero.
inline void unpack_dense(const std::uint8_t* packed, index_t count, int bits, std::uint8_t* fields) {
  detail::require_dense(count, bits);
  simd::unpack(packed, count, bits, false, fields);
}

/// The same into a new buffer.
inline std::vector<std::uint8_t> packed_dense(const std::uint8_t* fields, index_t count, int bits) {
  detail::require_dense(count, bits);
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(dense_bytes(count, bits)));
  pack_dense(fields, count, bits, packed.data());
  return packed;
}

/// Code `i` of a dense sequence.
inline std::uint8_t dense_field(const std::uint8_t* packed, index_t i, int bits) noexcept {
  const index_t bit = i % 8 * bits;
  const std::uint8_t* byte = packed + i / 8 * bits + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  unsigned word = byte[0];
  if (shift + bits > 8) word |= static_cast<unsigned>(byte[1]) << 8;
  return static_cast<std::uint8_t>((word >> shift) & ((1u << bits) - 1u));
}

/// Overwrites code `i` of a dense sequence and leaves its neighbours alone.
inline void set_dense_field(std::uint8_t* packed, index_t i, int bits, std::uint8_t field) noexcept {
  const index_t bit = i % 8 * bits;
  std::uint8_t* byte = packed + i / 8 * bits + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  const unsigned mask = ((1u << bits) - 1u) << shift, value = static_cast<unsigned>(field) << shift & mask;
  byte[0] = static_cast<std::uint8_t>((byte[0] & ~mask) | value);
  if (shift + bits > 8) byte[1] = static_cast<std::uint8_t>((byte[1] & ~(mask >> 8)) | (value >> 8));
}

}  // namespace bitgauge::packing
