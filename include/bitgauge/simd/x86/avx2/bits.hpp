#pragma once

/// \file
/// Dense bit fields with AVX2: 32 codes at a time, the end of a row by the portable version.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/row.hpp>

#include <array>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd::avx2 {
namespace detail {

/// Control bytes of a shuffle within 128 bits; 0x80 selects zero.
using byte_order = std::array<std::uint8_t, 16>;

/// Moves the `bits` low bytes of two 64-bit words together.
constexpr std::array<byte_order, 9> make_gather() {
  std::array<byte_order, 9> orders{};
  for (std::size_t bits = 1; bits <= 8; ++bits)
    for (std::size_t i = 0; i < 16; ++i)
      orders[bits][i] = static_cast<std::uint8_t>(i < 2 * bits ? i / bits * 8 + i % bits : 0x80);
  return orders;
}

/// Brings the two bytes that field i of 0..7 (`First`) or 8..15 touches to 16-bit lane i.
constexpr std::array<byte_order, 9> make_windows(std::size_t first) {
  std::array<byte_order, 9> orders{};
  for (std::size_t bits = 1; bits <= 8; ++bits)
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t byte = (first + i) * bits / 8;
      orders[bits][2 * i] = static_cast<std::uint8_t>(byte);
      orders[bits][2 * i + 1] = static_cast<std::uint8_t>(byte < 15 ? byte + 1 : 0x80);
    }
  return orders;
}

/// What brings a field from bit i * bits % 8 of its window to bit 8, as a factor.
constexpr std::array<std::array<std::uint16_t, 8>, 9> make_shifts() {
  std::array<std::array<std::uint16_t, 8>, 9> factors{};
  for (std::size_t bits = 1; bits <= 8; ++bits)
    for (std::size_t i = 0; i < 8; ++i) factors[bits][i] = static_cast<std::uint16_t>(256u >> (i * bits % 8));
  return factors;
}

inline constexpr std::array<byte_order, 9> gather = make_gather();
inline constexpr std::array<byte_order, 9> low_windows = make_windows(0), high_windows = make_windows(8);
inline constexpr std::array<std::array<std::uint16_t, 8>, 9> shifts = make_shifts();

[[BITGAUGE_AVX2, gnu::always_inline]] inline __m256i twice(const void* bytes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(bytes)));
}

}  // namespace detail

/// Neighbours are joined in three steps, to 2, 4 and 8 codes, and the bytes in use moved together.
[[BITGAUGE_AVX2]] inline void pack(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) {
  if (bits == 8) {
    if (count > 0) std::memcpy(out, codes, static_cast<std::size_t>(count));
    return;
  }
  const __m256i field = _mm256_set1_epi8(static_cast<char>((1 << bits) - 1));
  const __m256i join_2 = _mm256_set1_epi16(static_cast<short>(1 | 1 << (8 + bits)));
  const __m256i join_4 = _mm256_set1_epi32(1 | 1 << (16 + 2 * bits));
  const __m256i low_half = _mm256_set1_epi64x(0xffffffff), join_8 = _mm256_set1_epi64x(32 - 4 * bits);
  const __m256i order = detail::twice(detail::gather[static_cast<std::size_t>(bits)].data());
  index_t i = 0;
  // each half of a vector is stored as 16 bytes, of which 2 * bits count: leave room for the rest
  for (; (count - i) / 8 * bits >= 2 * bits + 16; i += 32, out += 4 * bits) {
    const __m256i single =
        _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + i)), field);
    const __m256i twos = _mm256_maddubs_epi16(join_2, single);
    const __m256i fours = _mm256_madd_epi16(twos, join_4);
    const __m256i eights = _mm256_or_si256(_mm256_and_si256(fours, low_half),
                                           _mm256_srlv_epi64(_mm256_andnot_si256(low_half, fours), join_8));
    const __m256i dense = _mm256_shuffle_epi8(eights, order);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(dense));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * bits), _mm256_extracti128_si256(dense, 1));
  }
  portable::pack(codes + i, count - i, bits, out);
}

/// Each field's two bytes are brought to a 16-bit lane, from which a multiplication shifts it to bit 8.
[[BITGAUGE_AVX2]] inline void unpack(const std::uint8_t* packed, index_t count, int bits, bool sign_extend,
                                     std::uint8_t* codes) {
  const std::uint8_t sign_byte = simd::detail::field_sign(bits, sign_extend);
  const auto width = static_cast<std::size_t>(bits);
  const __m256i low = detail::twice(detail::low_windows[width].data());
  const __m256i high = detail::twice(detail::high_windows[width].data());
  const __m256i shift = detail::twice(detail::shifts[width].data());
  const __m256i field = _mm256_set1_epi16(static_cast<short>((1 << bits) - 1));
  const __m256i sign = _mm256_set1_epi8(static_cast<char>(sign_byte));
  index_t i = 0;
  for (; (count - i) / 8 * bits >= 2 * bits + 16; i += 32, packed += 4 * bits) {
    const __m256i dense = _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(packed + 2 * bits),
                                              reinterpret_cast<const __m128i*>(packed));
    const __m256i first = _mm256_mullo_epi16(_mm256_shuffle_epi8(dense, low), shift);
    const __m256i second = _mm256_mullo_epi16(_mm256_shuffle_epi8(dense, high), shift);
    const __m256i fields = _mm256_packus_epi16(_mm256_and_si256(_mm256_srli_epi16(first, 8), field),
                                               _mm256_and_si256(_mm256_srli_epi16(second, 8), field));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + i),
                        _mm256_sub_epi8(_mm256_xor_si256(fields, sign), sign));
  }
  portable::unpack(packed, count - i, bits, sign_extend, codes + i);
}

}  // namespace bitgauge::simd::avx2
#endif  // BITGAUGE_X86
