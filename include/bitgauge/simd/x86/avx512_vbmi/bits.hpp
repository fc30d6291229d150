#pragma once

/// \file
/// Dense bit fields with AVX-512 VBMI: 64 codes at a time, masks at the end.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/row.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512_vbmi {
namespace detail {

using byte_order = std::array<std::uint8_t, 64>;

/// For each width: which byte of eight 64-bit words, `bits` bytes of each in use, goes to each byte when they
/// move together (gather), and back (spread).
struct byte_orders {
  std::array<byte_order, 9> gather{}, spread{};
};

constexpr byte_orders make_byte_orders() {
  byte_orders orders;
  for (std::size_t bits = 1; bits <= 8; ++bits)
    for (std::size_t i = 0; i < 8 * bits; ++i) {
      const std::size_t in_word = i / bits * 8 + i % bits;
      orders.gather[bits][i] = static_cast<std::uint8_t>(in_word);
      orders.spread[bits][in_word] = static_cast<std::uint8_t>(i);
    }
  return orders;
}

inline constexpr byte_orders orders = make_byte_orders();

/// The low `count` lanes, 1..64.
[[BITGAUGE_AVX512_VBMI, gnu::always_inline]] inline __mmask64 lanes(index_t count) {
  return ~__mmask64{0} >> (64 - count);
}

/// How codes of one width are packed: neighbours are joined in three steps, to 2, 4 and 8 codes, and the bytes in use
/// moved together.
struct packer {
  __m512i field, join_2, join_4, low_half, join_8, order;

  [[BITGAUGE_AVX512_VBMI, gnu::always_inline]] explicit packer(int bits)
      : field(_mm512_set1_epi8(static_cast<char>((1 << bits) - 1))),
        join_2(_mm512_set1_epi16(static_cast<short>(1 | 1 << (8 + bits)))),
        join_4(_mm512_set1_epi32(1 | 1 << (16 + 2 * bits))),
        low_half(_mm512_set1_epi64(0xffffffff)),
        join_8(_mm512_set1_epi64(32 - 4 * bits)),
        order(_mm512_loadu_si512(orders.gather[static_cast<std::size_t>(bits)].data())) {}

  [[BITGAUGE_AVX512_VBMI, gnu::always_inline]] __m512i operator()(__m512i codes) const {
    const __m512i twos = _mm512_maddubs_epi16(join_2, _mm512_and_si512(codes, field));
    const __m512i fours = _mm512_madd_epi16(twos, join_4);
    const __m512i eights = _mm512_or_si512(_mm512_and_si512(fours, low_half),
                                           _mm512_srlv_epi64(_mm512_andnot_si512(low_half, fours), join_8));
    return _mm512_permutexvar_epi8(order, eights);
  }
};

/// And back: the bytes of eight codes are spread to a 64-bit word, from which eight fields are cut at multiples of the
/// width.
struct unpacker {
  __m512i field, sign, cuts, order;

  [[BITGAUGE_AVX512_VBMI, gnu::always_inline]] unpacker(int bits, bool sign_extend)
      : field(_mm512_set1_epi8(static_cast<char>((1 << bits) - 1))),
        sign(_mm512_set1_epi8(static_cast<char>(simd::detail::field_sign(bits, sign_extend)))),
        cuts(_mm512_set1_epi64(0x0706050403020100 * bits)),
        order(_mm512_loadu_si512(orders.spread[static_cast<std::size_t>(bits)].data())) {}

  [[BITGAUGE_AVX512_VBMI, gnu::always_inline]] __m512i operator()(__m512i dense) const {
    const __m512i words = _mm512_permutexvar_epi8(order, dense);
    const __m512i fields = _mm512_and_si512(_mm512_multishift_epi64_epi8(cuts, words), field);
    return _mm512_sub_epi8(_mm512_xor_si512(fields, sign), sign);
  }
};

}  // namespace detail

[[BITGAUGE_AVX512_VBMI]] inline void pack(const std::uint8_t* codes, index_t count, int bits,
                                          std::uint8_t* out) {
  if (bits == 8) {
    if (count > 0) std::memcpy(out, codes, static_cast<std::size_t>(count));
    return;
  }
  const detail::packer packed(bits);
  const __mmask64 whole = detail::lanes(8 * bits);
  index_t i = 0;
  for (; i + 64 <= count; i += 64, out += 8 * bits)
    _mm512_mask_storeu_epi8(out, whole, packed(_mm512_loadu_si512(codes + i)));
  if (i == count) return;
  const index_t n = count - i;
  _mm512_mask_storeu_epi8(out, detail::lanes((n * bits + 7) / 8),
                          packed(_mm512_maskz_loadu_epi8(detail::lanes(n), codes + i)));
}

[[BITGAUGE_AVX512_VBMI]] inline void unpack(const std::uint8_t* packed, index_t count, int bits,
                                            bool sign_extend, std::uint8_t* codes) {
  if (bits == 8) {
    if (count > 0) std::memcpy(codes, packed, static_cast<std::size_t>(count));
    return;
  }
  const detail::unpacker fields(bits, sign_extend);
  const __mmask64 whole = detail::lanes(8 * bits);
  index_t i = 0;
  for (; i + 64 <= count; i += 64, packed += 8 * bits)
    _mm512_storeu_si512(codes + i, fields(_mm512_maskz_loadu_epi8(whole, packed)));
  if (i == count) return;
  const index_t n = count - i;
  _mm512_mask_storeu_epi8(codes + i, detail::lanes(n),
                          fields(_mm512_maskz_loadu_epi8(detail::lanes((n * bits + 7) / 8), packed)));
}

}  // namespace avx512_vbmi

template <>
constexpr void improve<instruction_set::avx512_vbmi>(bit_operations& operations) {
  operations.pack = avx512_vbmi::pack;
  operations.unpack = avx512_vbmi::unpack;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
