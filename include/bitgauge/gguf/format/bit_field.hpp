#pragma once

/// \file
/// The one primitive that every ggml block layout is made of: a field of a few bits, repeated at regular
/// strides. A code may be split over several such fields.

#include <bitgauge/simd/lanes/vector.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace bitgauge::gguf {

/// `count` repetitions, `stride` bits apart.
struct axis {
  int count = 1;
  int stride = 0;
};

/// Where the entries of an array of `bits`-bit numbers lie in a block. Entry
/// e = i + inner.count * (m + middle.count * o) begins at bit
/// first_bit + i * inner.stride + m * middle.stride + o * outer.stride; bit b is bit b % 8 (from the least
/// significant) of byte b / 8. A field of up to 9 bits may begin anywhere, one of 16 at a whole byte.
struct bit_field {
  int first_bit = 0;
  int bits = 0;
  axis inner{}, middle{}, outer{};

  constexpr int entries() const noexcept { return inner.count * middle.count * outer.count; }
  constexpr int position(int entry) const noexcept {
    return first_bit + entry % inner.count * inner.stride +
           entry / inner.count % middle.count * middle.stride +
           entry / (inner.count * middle.count) * outer.stride;
  }
};

/// A bit plane: `entries` fields of `bits` bits from byte `byte` on. A run of `run` bytes holds its first
/// `run` entries in the low bits, the next `run` in the bits above, and so on; then the next run begins.
/// With run = 1 the entries lie densely, least significant bit first.
constexpr bit_field plane(int byte, int bits, int run, int entries) noexcept {
  const int per_byte = 8 / bits;
  return {8 * byte, bits, {run, 8}, {per_byte, bits}, {entries / (run * per_byte), 8 * run}};
}

/// A single number of `bits` bits from byte `byte` on.
constexpr bit_field single(int byte, int bits) noexcept {
  return {8 * byte, bits};
}

namespace detail {

/// Puts the field at bits `Shift` on of each of `Lanes` bytes above the lower `left` bits of a code; the
/// first part also clears what was there. In vectors that every compiler and instruction set here has.
template <int Lanes, int Shift, unsigned Mask>
inline void join_fields(const std::uint8_t* bytes, std::uint8_t* codes, int left) noexcept {
  using byte_lanes = simd::vector<std::uint8_t, Lanes>;
  byte_lanes fields, joined{};
  std::memcpy(&fields, bytes, Lanes);
  fields = (fields >> Shift) & static_cast<std::uint8_t>(Mask);
  if (left != 0) {
    std::memcpy(&joined, codes, Lanes);
    joined |= fields << left;
  } else {
    joined = fields;
  }
  std::memcpy(codes, &joined, Lanes);
}

/// The way back: adds bits `right` on of each code to the byte, at bit `Shift`.
template <int Lanes, int Shift, unsigned Mask>
inline void place_fields(const std::uint8_t* codes, int right, std::uint8_t* bytes) noexcept {
  using byte_lanes = simd::vector<std::uint8_t, Lanes>;
  byte_lanes fields, joined;
  std::memcpy(&fields, codes, Lanes);
  std::memcpy(&joined, bytes, Lanes);
  joined |= ((fields >> right) & static_cast<std::uint8_t>(Mask)) << Shift;
  std::memcpy(bytes, &joined, Lanes);
}

/// Puts bit i of `count` bytes above the lower `left` bits of code i, which join_fields has written before:
/// by copying each byte to the eight bytes of a word, of which each keeps one bit.
inline void join_bits(const std::uint8_t* bytes, int count, std::uint8_t* codes, int left) noexcept {
  using byte_lanes = simd::vector<std::uint8_t, 8>;
  constexpr byte_lanes bit{1, 2, 4, 8, 16, 32, 64, 128};
  for (int i = 0; i < count; ++i, codes += 8) {
    byte_lanes joined{};
    if (left != 0) std::memcpy(&joined, codes, sizeof joined);
    const std::uint8_t byte = bytes[i];
    const byte_lanes copies{byte, byte, byte, byte, byte, byte, byte, byte};
    joined |= (byte_lanes((copies & bit) != 0) & 1) << left;
    std::memcpy(codes, &joined, sizeof joined);
  }
}

/// The way back: bit i of the bytes becomes bit `right` of code i. A bit of each of eight bytes is brought to
/// the top byte of a word by one multiplication.
inline void place_bits(const std::uint8_t* codes, int count, int right, std::uint8_t* bytes) noexcept {
  for (int i = 0; i < count; ++i, codes += 8) {
    std::uint64_t word = 0;
    for (int j = 0; j < 8; ++j) word |= std::uint64_t{codes[j]} << (8 * j);
    bytes[i] = static_cast<std::uint8_t>((word >> right & 0x0101010101010101u) * 0x0102040810204080u >> 56);
  }
}

}  // namespace detail

/// An array of codes of which each is the concatenation of one entry of every part, the first part lowest.
template <bit_field... Parts>
struct code_layout {
  static constexpr std::array<bit_field, sizeof...(Parts)> parts{Parts...};
  static constexpr int entries = parts[0].entries();
  static constexpr int bits = (Parts.bits + ...);  ///< of a code
  static constexpr int stored_bits = entries * bits;
  using code = std::conditional_t<(bits <= 8), std::uint8_t, std::uint16_t>;
  static_assert(((Parts.entries() == entries) && ...) && bits <= 16);

  /// Reads all codes of the block at `bytes`.
  static constexpr void unpack(const std::uint8_t* bytes, code* codes) noexcept {
    int shift = 0;
    ((unpack_part<Parts>(bytes, codes, shift), shift += Parts.bits), ...);
  }

  /// Writes all codes into the block at `bytes`, whose bits here must be zero before.
  static constexpr void pack(const code* codes, std::uint8_t* bytes) noexcept {
    int shift = 0;
    ((pack_part<Parts>(codes, bytes, shift), shift += Parts.bits), ...);
  }

 private:
  /// True where every entry of a row of the field lies at the same bits of neighbouring bytes.
  static constexpr bool byte_stepped(bit_field f) noexcept {
    return f.bits <= 8 && f.inner.stride == 8 && f.first_bit % 8 + f.bits <= 8;
  }

  /// True where entries are single bits one after another, from a whole byte on.
  static constexpr bool is_dense_bits(bit_field f) noexcept {
    return f.bits == 1 && f.first_bit % 8 == 0 && f.inner.count == 1 && f.middle.count == 8 &&
           f.middle.stride == 1 && f.outer.stride == 8;
  }

  /// Puts bits above the lower `left` bits of a code; the first part also clears what was there.
  static constexpr void join(code& to, unsigned bits_above, int left) noexcept {
    to = static_cast<code>(left == 0 ? bits_above : to | bits_above << left);
  }

  // Positions are constants of the program text, not of a loop, so that shifts are constants too and rows of
  // bytes become vectors.
  template <bit_field F>
  static constexpr void unpack_part(const std::uint8_t* bytes, code* codes, int left) noexcept {
    if constexpr (F.entries() >= 16 && bits <= 8 && is_dense_bits(F)) {
      if (!std::is_constant_evaluated()) {
        return detail::join_bits(bytes + F.first_bit / 8, F.entries() / 8, codes, left);
      }
    }
    // Captured by value: GCC 12's -fipa-modref takes writes through a pointer captured by reference for none.
    [=]<std::size_t... Row>(std::index_sequence<Row...>) {
      (unpack_row<F, static_cast<int>(Row) * F.inner.count>(bytes, codes + Row * F.inner.count, left), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(F.middle.count * F.outer.count)>{});
  }

  template <bit_field F, int First>
  static constexpr void unpack_row(const std::uint8_t* bytes, code* codes, int left) noexcept {
    constexpr unsigned mask = (1u << F.bits) - 1u;
    constexpr int start = F.position(First);
    constexpr int lanes = F.inner.count % 16 == 0 ? 16 : 8;
    if constexpr (byte_stepped(F)) {
      if constexpr (bits <= 8 && F.inner.count % lanes == 0) {
        if (!std::is_constant_evaluated()) {
          for (int i = 0; i < F.inner.count; i += lanes) {
            detail::join_fields<lanes, start % 8, mask>(bytes + start / 8 + i, codes + i, left);
          }
          return;
        }
      }
      for (int i = 0; i < F.inner.count; ++i) {
        join(codes[i], (bytes[start / 8 + i] >> (start % 8)) & mask, left);
      }
    } else {
      for (int i = 0; i < F.inner.count; ++i) {
        const int at = start + i * F.inner.stride;
        unsigned window = bytes[at / 8];
        if (at % 8 + F.bits > 8) window |= static_cast<unsigned>(bytes[at / 8 + 1]) << 8;
        join(codes[i], (window >> (at % 8)) & mask, left);
      }
    }
  }

  template <bit_field F>
  static constexpr void pack_part(const code* codes, std::uint8_t* bytes, int right) noexcept {
    if constexpr (F.entries() >= 16 && bits <= 8 && is_dense_bits(F)) {
      if (!std::is_constant_evaluated()) {
        return detail::place_bits(codes, F.entries() / 8, right, bytes + F.first_bit / 8);
      }
    }
    [=]<std::size_t... Row>(std::index_sequence<Row...>) {
      (pack_row<F, static_cast<int>(Row) * F.inner.count>(codes + Row * F.inner.count, bytes, right), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(F.middle.count * F.outer.count)>{});
  }

  template <bit_field F, int First>
  static constexpr void pack_row(const code* codes, std::uint8_t* bytes, int right) noexcept {
    constexpr unsigned mask = (1u << F.bits) - 1u;
    constexpr int start = F.position(First);
    constexpr int lanes = F.inner.count % 16 == 0 ? 16 : 8;
    if constexpr (byte_stepped(F) && bits <= 8 && F.inner.count % lanes == 0) {
      if (!std::is_constant_evaluated()) {
        for (int i = 0; i < F.inner.count; i += lanes) {
          detail::place_fields<lanes, start % 8, mask>(codes + i, right, bytes + start / 8 + i);
        }
        return;
      }
    }
    for (int i = 0; i < F.inner.count; ++i) {
      const int at = start + i * F.inner.stride;
      const unsigned window = ((static_cast<unsigned>(codes[i]) >> right) & mask) << (at % 8);
      bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] | window);
      if (at % 8 + F.bits > 8) {
        bytes[at / 8 + 1] = static_cast<std::uint8_t>(bytes[at / 8 + 1] | window >> 8);
      }
    }
  }
};

}  // namespace bitgauge::gguf
