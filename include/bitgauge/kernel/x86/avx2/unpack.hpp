#pragma once

/// \file
/// Packed units to bytes and floats with AVX2.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/x86/avx2/vectors.hpp>
#include <bitgauge/simd/portable/bits.hpp>

#include <cstdint>

namespace bitgauge::kernel::avx2 {

/// A unit: [four columns, next four][rows 0..7, 8..15].
struct unit_vectors {
  integers part[2][vectors_of_panel];
};

/// The bits of each byte from number `Shift` on that `mask` has.
template <int Shift>
[[BITGAUGE_AVX2, gnu::always_inline]] inline integers bits_of(integers bytes, integers mask) {
  return both_bits(down_16<Shift>(bytes), mask);
}
/// Puts bits from number `Done` of each byte on.
template <int Done>
[[BITGAUGE_AVX2, gnu::always_inline]] inline void add_bits(integers& fields, integers bits) {
  fields = _mm256_or_si256(fields, up_16<Done>(bits));
}

/// The fields of a packed unit, see layout.hpp.
template <int Bits>
[[BITGAUGE_AVX2, gnu::always_inline]] inline unit_vectors unpack_unit(const std::uint8_t* packed) {
  if constexpr (Bits == 8)
    return {{{load(packed), load(packed + 32)}, {load(packed + 64), load(packed + 96)}}};
  const integers none = _mm256_setzero_si256();
  unit_vectors unit{{{none, none}, {none, none}}};
  if constexpr ((Bits & 4) != 0) {
    const integers nibble = all_bytes(15), a = load(packed), b = load(packed + 32);
    unit = {{{bits_of<0>(a, nibble), bits_of<0>(b, nibble)}, {bits_of<4>(a, nibble), bits_of<4>(b, nibble)}}};
    packed += 64;
  }
  if constexpr ((Bits & 2) != 0) {
    constexpr int done = Bits & 4;
    const integers two = all_bytes(3), a = load(packed);
    add_bits<done>(unit.part[0][0], bits_of<0>(a, two));
    add_bits<done>(unit.part[0][1], bits_of<2>(a, two));
    add_bits<done>(unit.part[1][0], bits_of<4>(a, two));
    add_bits<done>(unit.part[1][1], bits_of<6>(a, two));
    packed += 32;
  }
  if constexpr ((Bits & 1) != 0) {  // 16 bytes of which each bit is a half of a vector
    constexpr int done = Bits & 6;
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed));
    const integers one = all_bytes(1);
    const integers a = _mm256_inserti128_si256(_mm256_castsi128_si256(low), _mm_srli_epi16(low, 1), 1);
    add_bits<done>(unit.part[0][0], bits_of<0>(a, one));
    add_bits<done>(unit.part[0][1], bits_of<2>(a, one));
    add_bits<done>(unit.part[1][0], bits_of<4>(a, one));
    add_bits<done>(unit.part[1][1], bits_of<6>(a, one));
  }
  return unit;
}

/// sums += the sums of the eight bytes of each lane of two vectors.
[[BITGAUGE_AVX2, gnu::always_inline]] inline void add_bytes(integers& sums, integers a, integers b) {
  const integers ones = all_bytes(1);
  sums = sum(sums,
             pair_products_16(sum_16(pair_products_8(ones, a), pair_products_8(ones, b)), all(0x00010001)));
}

/// The parameters of a segment, but for the sums of codes; zeros: what is subtracted from the bytes.
[[BITGAUGE_AVX2, gnu::always_inline]] inline void integer_parameters(const weights_view& w, index_t parameter,
                                                                     segment_parameters& own,
                                                                     integers (&zeros)[vectors_of_panel]) {
  for (index_t h = 0; h < vectors_of_panel; ++h) {
    const index_t at = parameter + h * lanes;
    const floats scales = scales_at(w, at);
    const integers zero_points = zero_points_at(w, at);
    zeros[h] = product(zero_points, all(0x01010101));
    store(own.scales + h * lanes, scales);
    if (w.has_stored_offsets()) {
      store(own.offsets + h * lanes, offsets_at(w, at));
    } else if (has_offsets(w)) {
      store(own.offsets + h * lanes, product(scales, to_floats(difference(zero_points, all(128)))));
      zeros[h] = all_bytes(-128);
    }
  }
}

template <int Bits>
[[BITGAUGE_AVX2]] void unpack_codes_of(const weights_view& w, index_t panel, const segment* segments,
                                       index_t count, const unpacked_codes& out) {
  const integers table = table_of_16(w.codes.data());
  std::int8_t* to = out.codes;
  for (index_t i = 0; i < count; ++i) {
    const segment& s = segments[i];
    segment_parameters& own = out.parameters[i];
    integers zeros[vectors_of_panel];
    integer_parameters(w, w.parameter(panel, s.group), own, zeros);
    integers sums[vectors_of_panel] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    const std::uint8_t* packed = w.unit(panel, s.first_unit);
    for (std::int32_t u = 0; u < s.units; ++u, packed += unit_bytes(Bits), to += unit_fields) {
      unit_vectors unit = unpack_unit<Bits>(packed);
      if (!w.has_levels) {
        for (auto& part : unit.part)
          for (index_t h = 0; h < vectors_of_panel; ++h) part[h] = _mm256_sub_epi8(part[h], zeros[h]);
      } else if constexpr (Bits <= 4) {
        for (auto& part : unit.part)
          for (auto& codes : part) codes = look_up(codes, table);
      } else {
        alignas(32) std::uint8_t fields[unit_fields], codes[unit_fields];
        for (index_t k = 0; k < 4; ++k) store(fields + 32 * k, unit.part[k / 2][k % 2]);
        for (index_t place = 0; place < unit_fields; ++place)
          codes[place] = static_cast<std::uint8_t>(w.codes[fields[place]]);
        for (index_t k = 0; k < 4; ++k) unit.part[k / 2][k % 2] = load(codes + 32 * k);
      }
      for (index_t h = 0; h < vectors_of_panel; ++h) {
        store(to + 32 * h, unit.part[0][h]);
        store(to + 64 + 32 * h, unit.part[1][h]);
        add_bytes(sums[h], unit.part[0][h], unit.part[1][h]);
      }
    }
    for (index_t h = 0; h < vectors_of_panel; ++h) store(own.code_sums + h * lanes, sums[h]);
  }
}

/// What fields of up to four bits stand for, where they are numbers of levels.
struct value_tables {
  floats low, high;  ///< of the fields 0..7 and 8..15
};
[[BITGAUGE_AVX2, gnu::always_inline]] inline value_tables value_tables_of(const weights_view& w) {
  return {load_floats(w.levels.data()), load_floats(w.levels.data() + lanes)};
}
/// The levels whose numbers are the low four bits of each lane.
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats look_up(integers numbers, const value_tables& tables) {
  const floats bit_3_first = _mm256_castsi256_ps(_mm256_slli_epi32(numbers, 28));
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(tables.low, numbers),
                          _mm256_permutevar8x32_ps(tables.high, numbers), bit_3_first);
}

/// Values of the fields in the lowest byte of each lane, at scale 1 and zero point 0.
template <int Bits, bool Levels>
[[BITGAUGE_AVX2, gnu::always_inline]] inline floats value_of(integers bytes, const value_tables& tables,
                                                             const float* levels) {
  if constexpr (Levels && Bits <= 3) return _mm256_permutevar8x32_ps(tables.low, bytes);
  if constexpr (Levels && Bits == 4) return look_up(bytes, tables);
  const integers fields = _mm256_and_si256(bytes, all(255));
  if constexpr (Levels) return _mm256_i32gather_ps(levels, fields, 4);
  return to_floats(fields);
}

template <int Bits, bool Levels>
[[BITGAUGE_AVX2]] void unpack_floats_of(const weights_view& w, index_t panel, index_t first_unit,
                                        index_t units, float* out) {
  const value_tables tables = value_tables_of(w);
  const std::uint8_t* packed = w.unit(panel, first_unit);
  for (index_t u = first_unit; u < first_unit + units;) {
    const index_t group = u / w.group_units, parameter = w.parameter(panel, group);
    const index_t end_of_group = (group + 1) * w.group_units;
    const index_t end = end_of_group < first_unit + units ? end_of_group : first_unit + units;
    floats scales[vectors_of_panel], zeros[vectors_of_panel], offsets[vectors_of_panel];
    for (index_t h = 0; h < vectors_of_panel; ++h) {
      const index_t at = parameter + h * lanes;
      scales[h] = scales_at(w, at);
      zeros[h] = Levels ? _mm256_setzero_ps() : to_floats(zero_points_at(w, at));
      offsets[h] = w.has_stored_offsets() ? offsets_at(w, at) : _mm256_setzero_ps();
    }
    for (; u < end; ++u, packed += unit_bytes(Bits), out += unit_fields) {
      const unit_vectors unit = unpack_unit<Bits>(packed);
#pragma GCC unroll 8
      for (int c = 0; c < unit_columns; ++c)
#pragma GCC unroll 2
        for (index_t h = 0; h < vectors_of_panel; ++h) {
          const integers bytes = _mm256_srli_epi32(unit.part[c / 4][h], 8 * (c % 4));
          const floats value =
              _mm256_sub_ps(value_of<Bits, Levels>(bytes, tables, w.levels.data()), zeros[h]);
          store(out + c * panel_rows + h * lanes, _mm256_sub_ps(product(scales[h], value), offsets[h]));
        }
    }
  }
}

[[BITGAUGE_AVX2]] inline void unpack_codes(const weights_view& w, index_t panel, const segment* segments,
                                           index_t count, const unpacked_codes& out) {
  simd::detail::with_bits(w.bits, [&]<int Bits>() { unpack_codes_of<Bits>(w, panel, segments, count, out); });
}
[[BITGAUGE_AVX2]] inline void unpack_floats(const weights_view& w, index_t panel, index_t first_unit,
                                            index_t units, float* out) {
  simd::detail::with_bits(w.bits, [&]<int Bits>() {
    (w.has_levels ? unpack_floats_of<Bits, true> : unpack_floats_of<Bits, false>)(w, panel, first_unit, units,
                                                                                  out);
  });
}

}  // namespace bitgauge::kernel::avx2
#endif  // BITGAUGE_X86
