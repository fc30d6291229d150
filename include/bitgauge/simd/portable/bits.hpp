#pragma once

/// \file
/// Bytes to dense bit fields and back, portable version: eight codes at a time become one 64-bit word, of
/// which the low `bits` bytes are kept. packing/dense.hpp describes the layout.

#include <bitgauge/base/config.hpp>

#include <cstdint>

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

/// The last codes of a row, fewer than eight: one function for every width, as it is compiled in every program.
inline void pack_last(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) noexcept {
  store_word(word_of(codes, count, bits), (count * bits + 7) / 8, out);
}
inline void unpack_last(const std::uint8_t* packed, index_t count, int bits, std::uint8_t sign,
                        std::uint8_t* codes) noexcept {
  spread(word_at(packed, (count * bits + 7) / 8), count, bits, sign, codes);
}

template <int Bits>
void pack(const std::uint8_t* codes, index_t count, std::uint8_t* out) noexcept {
  index_t i = 0;
  for (; i + 8 <= count; i += 8, out += Bits) store_word(word_of(codes + i, 8, Bits), Bits, out);
  if (i < count) pack_last(codes + i, count - i, Bits, out);
}

template <int Bits>
void unpack(const std::uint8_t* packed, index_t count, std::uint8_t sign, std::uint8_t* codes) noexcept {
  index_t i = 0;
  for (; i + 8 <= count; i += 8, packed += Bits) spread(word_at(packed, Bits), 8, Bits, sign, codes + i);
  if (i < count) unpack_last(packed, count - i, Bits, sign, codes + i);
}

/// (field ^ sign) - sign is the two's complement value of a field of `bits` bits; 0 leaves it as it is.
constexpr std::uint8_t field_sign(int bits, bool sign_extend) noexcept {
  return static_cast<std::uint8_t>(sign_extend ? 1u << (bits - 1) : 0u);
}

}  // namespace detail

namespace portable {

inline void pack(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) {
  detail::with_bits(bits, [&]<int Bits>() { detail::pack<Bits>(codes, count, out); });
}

inline void unpack(const std::uint8_t* packed, index_t count, int bits, bool sign_extend,
                   std::uint8_t* codes) {
  const std::uint8_t sign = detail::field_sign(bits, sign_extend);
  detail::with_bits(bits, [&]<int Bits>() { detail::unpack<Bits>(packed, count, sign, codes); });
}

}  // namespace portable
}  // namespace bitgauge::simd
