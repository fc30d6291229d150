#pragma once

/// \file
/// Packed units to bytes and floats with AVX-512.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/portable/product.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/vectors.hpp>
#include <bitgauge/simd/portable/bits.hpp>

#include <cstdint>

BITGAUGE_BEGIN_AVX512
namespace bitgauge::kernel::avx512_vnni {

/// A unit: the fields of four columns and of the next four.
struct unit_vectors {
  __m512i first, second;
};

/// The fields of `Part` bits of which `packed` bytes, repeated to 64, hold each eight / Part; they become the
/// bits from `Done` on.
template <int Part, int Done>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void add_part(__m512i packed, unit_vectors& unit) {
  const __m512i mask = _mm512_set1_epi8(static_cast<char>((1 << Part) - 1));
  constexpr long long sixteens = 0x0001000100010001, each = 64 / (16 * Part);  // of 16 Part bytes in a vector
  constexpr auto shift = [](long long part) { return sixteens * (part * Part); };
  constexpr long long quarter = 4 / each;  // quarters of a vector to a part
  const __m512i shifts =
      _mm512_set_epi64(shift(3 / quarter), shift(3 / quarter), shift(2 / quarter), shift(2 / quarter),
                       shift(1 / quarter), shift(1 / quarter), shift(0), shift(0));
  const __m512i low = _mm512_and_si512(_mm512_srlv_epi16(packed, shifts), mask);
  const __m512i high = _mm512_and_si512(
      _mm512_srlv_epi16(packed, _mm512_add_epi16(shifts, _mm512_set1_epi16(static_cast<short>(each * Part)))),
      mask);
  unit.first = _mm512_or_si512(unit.first, _mm512_slli_epi16(low, Done));
  unit.second = _mm512_or_si512(unit.second, _mm512_slli_epi16(high, Done));
}

/// The fields of a packed unit, see layout.hpp.
template <int Bits>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline unit_vectors unpack_unit(const std::uint8_t* packed) {
  if constexpr (Bits == 8) return {load(packed), load(packed + 64)};
  unit_vectors unit{_mm512_setzero_si512(), _mm512_setzero_si512()};
  if constexpr ((Bits & 4) != 0) {
    const __m512i nibble = _mm512_set1_epi8(15), both = load(packed);
    unit.first = _mm512_and_si512(both, nibble);
    unit.second = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
    packed += 64;
  }
  if constexpr ((Bits & 2) != 0) {
    const auto* const at = reinterpret_cast<const __m256i*>(packed);
    add_part<2, Bits & 4>(_mm512_broadcast_i64x4(_mm256_loadu_si256(at)), unit);
    packed += 32;
  }
  if constexpr ((Bits & 1) != 0) {
    const auto* const at = reinterpret_cast<const __m128i*>(packed);
    add_part<1, Bits & 6>(_mm512_broadcast_i32x4(_mm_loadu_si128(at)), unit);
  }
  return unit;
}

/// Fetches what is unpacked some units later.
template <int Bits>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline void fetch_units(const std::uint8_t* packed) {
  constexpr index_t ahead = 2048;
  _mm_prefetch(packed + ahead, _MM_HINT_T0);
  if constexpr (Bits > 4) _mm_prefetch(packed + ahead + 64, _MM_HINT_T0);
}

/// The bytes of `table` whose numbers are the low four bits of those of `fields`.
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i look_up(__m512i fields, __m512i table) {
  return _mm512_shuffle_epi8(table, fields);
}
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i table_of_16(const void* from) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(from)));
}

/// The signed bytes of fields: less `zero`, or those of a table of up to 16 levels.
template <bool Levels>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512i code_of(__m512i fields, __m512i zero_or_table) {
  if constexpr (Levels) return look_up(fields, zero_or_table);
  return _mm512_sub_epi8(fields, zero_or_table);
}

template <int Bits, bool Levels>
[[BITGAUGE_AVX512_VNNI]] void unpack_codes_of(const weights_view& w, index_t panel, const segment* segments,
                                              index_t count, const unpacked_codes& out) {
  const __m512i ones = _mm512_set1_epi8(1), repeat = _mm512_set1_epi32(0x01010101);
  __m512i zero_or_table = table_of_16(w.codes.data());
  std::int8_t* to = out.codes;
  const std::uint8_t* packed = w.unit(panel, segments[0].first_unit);
  for (index_t i = 0; i < count; ++i) {
    const segment& s = segments[i];
    const index_t parameter = w.parameter(panel, s.group);
    segment_parameters& own = out.parameters[i];
    fetch_parameters(w, parameter);
    const __m512 scales = scales_at(w, parameter);
    _mm512_store_ps(own.scales, scales);
    if constexpr (!Levels) {
      const __m512i zero_points = zero_points_at(w, parameter);
      zero_or_table = _mm512_mullo_epi32(zero_points, repeat);
      if (Bits == 8 && w.zero_points != nullptr) {
        const __m512 above = _mm512_cvtepi32_ps(_mm512_sub_epi32(zero_points, _mm512_set1_epi32(128)));
        _mm512_store_ps(own.offsets, _mm512_mul_ps(scales, above));
        zero_or_table = _mm512_set1_epi8(-128);
      }
    }
    if (w.has_stored_offsets()) _mm512_store_ps(own.offsets, offsets_at(w, parameter));
    // four chains: one would have to wait for itself
    __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                       _mm512_setzero_si512()};
    for (std::int32_t u = 0; u < s.units; u += 2) {
#pragma GCC unroll 2
      for (std::int32_t second = 0; second < 2; ++second) {
        if (second > 0 && u + 1 == s.units) break;
        fetch_units<Bits>(packed);
        const unit_vectors unit = unpack_unit<Bits>(packed);
        const __m512i first = code_of<Levels>(unit.first, zero_or_table);
        const __m512i next = code_of<Levels>(unit.second, zero_or_table);
        _mm512_store_si512(to, first);
        _mm512_store_si512(to + 64, next);
        add_dot(sums[2 * second], ones, first);
        add_dot(sums[2 * second + 1], ones, next);
        packed += unit_bytes(Bits);
        to += unit_fields;
      }
    }
    _mm512_store_si512(own.code_sums, _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]),
                                                       _mm512_add_epi32(sums[2], sums[3])));
  }
}

/// What four columns of fields of a row stand for; see value_of().
struct value_tables {
  __m512 table;  ///< of fields of up to four bits
  const float* levels;
  bool has_levels;
};

/// Values of the fields in the lowest byte of each lane, at scale 1 and zero point 0.
template <int Bits>
[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline __m512 value_of(__m512i lanes,
                                                                    const value_tables& tables) {
  if constexpr (Bits <= 4) return _mm512_permutexvar_ps(lanes, tables.table);
  const __m512i field = _mm512_and_si512(lanes, _mm512_set1_epi32(255));
  if (tables.has_levels) return _mm512_i32gather_ps(field, tables.levels, 4);
  return _mm512_cvtepi32_ps(field);
}

[[BITGAUGE_AVX512_VNNI, gnu::always_inline]] inline value_tables value_tables_of(const weights_view& w) {
  const __m512 numbers = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return {w.has_levels ? _mm512_loadu_ps(w.levels.data()) : numbers, w.levels.data(), w.has_levels};
}

template <int Bits>
[[BITGAUGE_AVX512_VNNI]] void unpack_floats_of(const weights_view& w, index_t panel, index_t first_unit,
                                               index_t units, float* out) {
  const value_tables tables = value_tables_of(w);
  const std::uint8_t* packed = w.unit(panel, first_unit);
  for (index_t u = first_unit; u < first_unit + units;) {
    const index_t group = u / w.group_units, parameter = w.parameter(panel, group);
    const index_t end_of_group = (group + 1) * w.group_units;
    const index_t end = end_of_group < first_unit + units ? end_of_group : first_unit + units;
    const __m512 scales = scales_at(w, parameter);
    const __m512 zero = w.has_levels ? _mm512_setzero_ps() : _mm512_cvtepi32_ps(zero_points_at(w, parameter));
    const __m512 offsets = w.has_stored_offsets() ? offsets_at(w, parameter) : _mm512_setzero_ps();
    for (; u < end; ++u, packed += unit_bytes(Bits), out += unit_fields) {
      fetch_units<Bits>(packed);
      const unit_vectors unit = unpack_unit<Bits>(packed);
#pragma GCC unroll 8
      for (int c = 0; c < unit_columns; ++c) {
        const __m512i lanes =
            _mm512_srli_epi32(c < 4 ? unit.first : unit.second, static_cast<unsigned>(8 * (c % 4)));
        const __m512 value = _mm512_sub_ps(value_of<Bits>(lanes, tables), zero);
        _mm512_storeu_ps(out + c * panel_rows, _mm512_sub_ps(_mm512_mul_ps(scales, value), offsets));
      }
    }
  }
}

[[BITGAUGE_AVX512_VNNI]] inline void unpack_codes(const weights_view& w, index_t panel,
                                                  const segment* segments, index_t count,
                                                  const unpacked_codes& out) {
  if (w.has_levels && w.bits > 4) return portable::unpack_codes(w, panel, segments, count, out);
  simd::detail::with_bits(w.bits, [&]<int Bits>() {
    if constexpr (Bits <= 4)
      if (w.has_levels) return unpack_codes_of<Bits, true>(w, panel, segments, count, out);
    unpack_codes_of<Bits, false>(w, panel, segments, count, out);
  });
}
[[BITGAUGE_AVX512_VNNI]] inline void unpack_floats(const weights_view& w, index_t panel, index_t first_unit,
                                                   index_t units, float* out) {
  simd::detail::with_bits(w.bits,
                          [&]<int Bits>() { unpack_floats_of<Bits>(w, panel, first_unit, units, out); });
}

}  // namespace bitgauge::kernel::avx512_vnni
BITGAUGE_END_AVX512
#endif  // BITGAUGE_X86
