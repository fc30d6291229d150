#pragma once

/// \file
/// See rans.hpp: with AVX-512, a lane for each of 16 numbers.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/rans.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::simd {
namespace avx512 {

[[BITGAUGE_AVX512]] inline const std::uint8_t* decode_rans(rans_lanes& lanes, const std::uint32_t* row_tables,
                                                           index_t rows, const std::uint8_t* at,
                                                           const std::uint8_t* end, std::int16_t* levels) {
  constexpr index_t read = 2 * rans_lanes::count;  // bytes that a row is given, whatever it takes
  const auto present = static_cast<__mmask16>((1u << lanes.present) - 1u);
  const __m512i table = _mm512_loadu_si512(lanes.table), one = _mm512_set1_epi32(1);
  const __m512i low = _mm512_set1_epi32(0xfff), zero = _mm512_setzero_si512();
  const __m512i by_parity = _mm512_set1_epi32(static_cast<int>(lanes.by_parity));
  const __m512i by_symbol = _mm512_set1_epi32(static_cast<int>(lanes.by_symbol));
  const __m128i spread = _mm_cvtsi32_si128(lanes.is_scalar ? 0 : 1);
  __m512i number = _mm512_loadu_si512(lanes.number), state = _mm512_loadu_si512(lanes.state);
  __mmask16 escapes = 0;
  index_t row = 0;
  for (; row < rows && end - at >= read; ++row, levels += rans_lanes::count) {
    const __m512i parity = _mm512_and_si512(state, one);
    const __m512i first = _mm512_add_epi32(table, _mm512_set1_epi32(static_cast<int>(row_tables[row])));
    const __m512i slot = _mm512_add_epi32(_mm512_and_si512(number, low), _mm512_slli_epi32(parity, 12));
    const __m512i entry =
        _mm512_mask_i32gather_epi32(zero, present, _mm512_add_epi32(first, slot), lanes.tables, 4);
    const __m512i symbol = _mm512_srai_epi32(entry, 24);
    const __m512i frequency = _mm512_add_epi32(_mm512_and_si512(_mm512_srli_epi32(entry, 12), low), one);
    const __m512i next = _mm512_add_epi32(_mm512_mullo_epi32(frequency, _mm512_srli_epi32(number, 12)),
                                          _mm512_and_si512(entry, low));
    const __mmask16 takes =
        _mm512_mask_cmplt_epu32_mask(present, next, _mm512_set1_epi32(static_cast<int>(rans_lanes::least)));
    const __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    number = _mm512_mask_or_epi32(next, takes, _mm512_slli_epi32(next, 16),
                                  _mm512_maskz_expand_epi32(takes, words));
    at += 2 * __builtin_popcount(takes);
    const __m512i odd = _mm512_and_si512(symbol, one);
    state = _mm512_xor_si512(_mm512_srli_epi32(state, 1),
                             _mm512_xor_si512(_mm512_and_si512(by_parity, _mm512_sub_epi32(zero, parity)),
                                              _mm512_and_si512(by_symbol, _mm512_sub_epi32(zero, odd))));
    escapes = static_cast<__mmask16>(
        escapes | _mm512_mask_cmpgt_epu32_mask(present, _mm512_add_epi32(symbol, _mm512_set1_epi32(125)),
                                               _mm512_set1_epi32(250)));
    const __m512i level = _mm512_add_epi32(_mm512_sll_epi32(symbol, spread), parity);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(levels), _mm512_cvtepi32_epi16(level));
  }
  _mm512_mask_storeu_epi32(lanes.number, present, number);
  _mm512_mask_storeu_epi32(lanes.state, present, state);
  lanes.meets_escapes = lanes.meets_escapes || escapes != 0;
  return portable::decode_rans(lanes, row_tables + row, rows - row, at, end, levels);
}

}  // namespace avx512

template <>
constexpr void improve<instruction_set::avx512>(rans_operations& operations) {
  operations.decode_rans = avx512::decode_rans;
}

}  // namespace bitgauge::simd
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
