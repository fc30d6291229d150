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

template <int Bits>
void pack(const std::uint8_t* codes, index_t count, std::uint8_t* out) noexcept {
  constexpr std::uint64_t mask = (1u << Bits) - 1u;
  const auto word_of = [&](const std::uint8_t* eight, index_t n) {
    std::uint64_t word = 0;
    for (index_t j = 0; j < n; ++j) word |= (eight[j] & mask) << (Bits * j);
    return word;
  };
  const auto store = [](std::uint64_t word, index_t bytes, std::uint8_t* to) {
    for (index_t b = 0; b < bytes; ++b) to[b] = static_cast<std::uint8_t>(word >> (8 * b));
  };
  index_t i = 0;
  for (; i + 8 <= count; i += 8, out += Bits) store(word_of(codes + i, 8), Bits, out);
  if (i < count) store(word_of(codes + i, count - i), ((count - i) * Bits + 7) / 8, out);
}

template <int Bits>
void unpack(const std::uint8_t* packed, index_t count, std::uint8_t sign, std::uint8_t* codes) noexcept {
  constexpr std::uint64_t mask = (1u << Bits) - 1u;
  const auto word_at = [](const std::uint8_t* from, index_t bytes) {
    std::uint64_t word = 0;
    for (index_t b = 0; b < bytes; ++b) word |= static_cast<std::uint64_t>(from[b]) << (8 * b);
    return word;
  };
  const auto spread = [&](std::uint64_t word, std::uint8_t* eight, index_t n) {
    for (index_t j = 0; j < n; ++j) {
      const auto field = static_cast<unsigned>((word >> (Bits * j)) & mask);
      eight[j] = static_cast<std::uint8_t>((field ^ sign) - sign);
    }
  };
  index_t i = 0;
  for (; i + 8 <= count; i += 8, packed += Bits) spread(word_at(packed, Bits), codes + i, 8);
  if (i < count) spread(word_at(packed, ((count - i) * Bits + 7) / 8), codes + i, count - i);
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
