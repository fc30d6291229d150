#pragma once

/// \file
/// Packed units to bytes and floats with Advanced SIMD.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/vectors.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/portable/product.hpp>
#include <bitgauge/simd/portable/bits.hpp>

#include <cstdint>

namespace bitgauge::kernel::neon {

/// A unit: four vectors of four rows by four columns, and four by the next four columns.
struct unit_vectors {
  uint8x16_t part[2 * vectors_of_panel];
};

/// The fields of `Part` bits of `packed` become the bits from `done` on.
template <int Part>
[[gnu::always_inline]] inline void add_part(const std::uint8_t* packed, int done, unit_vectors& unit) {
  const uint8x16_t mask = vdupq_n_u8(static_cast<std::uint8_t>((1 << Part) - 1));
  const int8x16_t up = vdupq_n_s8(static_cast<std::int8_t>(done));
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) {  // Part vectors, of which each byte holds 8 / Part fields
    const int8x16_t down = vdupq_n_s8(static_cast<std::int8_t>(-(k / Part * Part)));
    uint8x16_t fields = vshlq_u8(vld1q_u8(packed + k % Part * 16), down);
    if (k < 8 - Part) fields = vandq_u8(fields, mask);  // nothing is above the last fields
    unit.part[k] = vorrq_u8(unit.part[k], vshlq_u8(fields, up));
  }
}

/// The fields of a packed unit, see layout.hpp.
template <int Bits>
[[gnu::always_inline]] inline unit_vectors unpack_unit(const std::uint8_t* packed) {
  unit_vectors unit;
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) unit.part[k] = Bits == 8 ? vld1q_u8(packed + 16 * k) : vdupq_n_u8(0);
  if constexpr ((Bits & 4) != 0) add_part<4>(packed, 0, unit);
  if constexpr ((Bits & 2) != 0) add_part<2>(packed + 16 * (Bits & 4), Bits & 4, unit);
  if constexpr ((Bits & 1) != 0) add_part<1>(packed + 16 * (Bits & 6), Bits & 6, unit);
  return unit;
}

/// The bytes of a table of 2^Bits, at least 16, whose numbers are `fields`.
template <int Bits>
[[gnu::always_inline]] inline uint8x16_t look_up(const std::uint8_t* table, uint8x16_t fields) {
  if constexpr (Bits <= 4) return vqtbl1q_u8(vld1q_u8(table), fields);
  uint8x16_t found = vdupq_n_u8(0);
  for (int first = 0; first < 1 << Bits;
       first += 64) {  // a number that is none of these 64 keeps what was found
    const auto* const at = table + first;
    const uint8x16x4_t some{{vld1q_u8(at), vld1q_u8(at + 16), vld1q_u8(at + 32), vld1q_u8(at + 48)}};
    found = vqtbx4q_u8(found, some, vsubq_u8(fields, vdupq_n_u8(static_cast<std::uint8_t>(first))));
  }
  return found;
}

/// The codes of a unit as signed bytes: fields of four bits as they are, those of eight less 128, levels by their numbers.
template <int Bits, bool Levels>
inline constexpr std::int32_t signed_codes_less = Bits == 8 && !Levels ? 128 : 0;
template <int Bits, bool Levels>
[[gnu::always_inline]] inline int8x16_t signed_codes(uint8x16_t fields, const std::uint8_t* table) {
  if constexpr (Levels) return as_they_are()(look_up<Bits>(table, fields));
  if constexpr (Bits == 8) return turned()(fields);
  return as_they_are()(fields);
}

/// What is subtracted from the bytes of the rows from 4 * q on.
[[gnu::always_inline]] inline uint8x16_t zeros_of(const weights_view& w, index_t parameter, int q) {
  if (w.zero_points == nullptr) return vdupq_n_u8(static_cast<std::uint8_t>(w.center));
  if (w.bits == 8) return vdupq_n_u8(128);
  static constexpr std::uint8_t each_four_times[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  const uint8x16_t numbers =
      vaddq_u8(vld1q_u8(each_four_times), vdupq_n_u8(static_cast<std::uint8_t>(q * lanes)));
  return vqtbl1q_u8(vld1q_u8(w.zero_points + parameter), numbers);
}

/// Eight columns of four rows, of their first and last four.
struct eight_columns {
  int8x16_t rows01, rows23;
};
[[gnu::always_inline]] inline eight_columns by_row(int8x16_t first, int8x16_t last) {
  const int32x4_t a = vreinterpretq_s32_s8(first), b = vreinterpretq_s32_s8(last);
  return {vreinterpretq_s8_s32(vzip1q_s32(a, b)), vreinterpretq_s8_s32(vzip2q_s32(a, b))};
}

/// `ByRow`: into bytes r * 8 + c of a unit.
template <int Bits, bool ByRow>
void unpack_codes_of(const weights_view& w, index_t panel, const segment* segments, index_t count,
                     const unpacked_codes& out) {
  const auto* const table = reinterpret_cast<const std::uint8_t*>(w.codes.data());
  std::int8_t* to = out.codes;
  for (index_t i = 0; i < count; ++i) {
    const segment& s = segments[i];
    const index_t parameter = w.parameter(panel, s.group);
    segment_parameters& own = out.parameters[i];
    portable::integer_parameters(w, parameter, own);
    uint8x16_t zeros[vectors_of_panel];
    int32x4_t sums[vectors_of_panel];
#pragma GCC unroll 4
    for (int q = 0; q < vectors_of_panel; ++q) {
      zeros[q] = zeros_of(w, parameter, q);
      sums[q] = vdupq_n_s32(0);
    }
    const std::uint8_t* packed = w.unit(panel, s.first_unit);
    for (std::int32_t u = 0; u < s.units; ++u, packed += unit_bytes(Bits), to += unit_fields) {
      const unit_vectors unit = unpack_unit<Bits>(packed);
      int8x16_t codes[8];
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k) {
        codes[k] = vreinterpretq_s8_u8(w.has_levels ? look_up<Bits>(table, unit.part[k])
                                                    : vsubq_u8(unit.part[k], zeros[k % 4]));
        sums[k % 4] = vpadalq_s16(sums[k % 4], vpaddlq_s8(codes[k]));
      }
#pragma GCC unroll 4
      for (int q = 0; q < vectors_of_panel; ++q) {
        const eight_columns both = by_row(codes[q], codes[q + 4]);
        vst1q_s8(to + (ByRow ? 32 * q : 16 * q), ByRow ? both.rows01 : codes[q]);
        vst1q_s8(to + (ByRow ? 32 * q + 16 : 64 + 16 * q), ByRow ? both.rows23 : codes[q + 4]);
      }
    }
#pragma GCC unroll 4
    for (int q = 0; q < vectors_of_panel; ++q) vst1q_s32(own.code_sums + q * lanes, sums[q]);
  }
}

/// Values of the fields in the lowest byte of each lane, at scale 1 and zero point 0.
template <int Bits>
[[gnu::always_inline]] inline float32x4_t value_of(uint32x4_t bytes, const weights_view& w) {
  const uint32x4_t fields = vandq_u32(bytes, vdupq_n_u32(255));
  if (!w.has_levels) return vcvtq_f32_u32(fields);
  if constexpr (Bits <= 4) {  // the four bytes of a level
    const uint32x4_t numbers = vmlaq_n_u32(vdupq_n_u32(0x03020100), fields, 0x04040404);
    const auto* const table = reinterpret_cast<const std::uint8_t*>(w.levels.data());
    return vreinterpretq_f32_u8(look_up<6>(table, vreinterpretq_u8_u32(numbers)));
  } else {
    float levels[lanes];
    std::uint32_t numbers[lanes];
    vst1q_u32(numbers, fields);
    for (int i = 0; i < lanes; ++i) levels[i] = w.levels[numbers[i]];
    return vld1q_f32(levels);
  }
}

template <int Bits>
void unpack_floats_of(const weights_view& w, index_t panel, index_t first_unit, index_t units, float* out) {
  const std::uint8_t* packed = w.unit(panel, first_unit);
  for (index_t u = first_unit; u < first_unit + units; ++u, packed += unit_bytes(Bits), out += unit_fields) {
    const index_t parameter = w.parameter(panel, u / w.group_units);
    const unit_vectors unit = unpack_unit<Bits>(packed);
#pragma GCC unroll 4
    for (int q = 0; q < vectors_of_panel; ++q) {
      const index_t at = parameter + q * lanes;
      const float32x4_t scales = scales_at(w, at);
      float zeros[lanes];
      for (int i = 0; i < lanes; ++i)
        zeros[i] = w.has_levels               ? 0.0f
                   : w.zero_points == nullptr ? static_cast<float>(w.center)
                                              : static_cast<float>(w.zero_points[at + i]);
      const float32x4_t offsets = w.has_stored_offsets() ? offsets_at(w, at) : vdupq_n_f32(0);
#pragma GCC unroll 8
      for (int c = 0; c < unit_columns; ++c) {
        const uint32x4_t four = vreinterpretq_u32_u8(unit.part[c / 4 * 4 + q]);
        const float32x4_t value =
            vsubq_f32(value_of<Bits>(vshlq_u32(four, vdupq_n_s32(-8 * (c % 4))), w), vld1q_f32(zeros));
        vst1q_f32(out + c * panel_rows + q * lanes, vsubq_f32(vmulq_f32(scales, value), offsets));
      }
    }
  }
}

inline void unpack_codes(const weights_view& w, index_t panel, const segment* segments, index_t count,
                         const unpacked_codes& out) {
  simd::detail::with_bits(w.bits,
                          [&]<int Bits>() { unpack_codes_of<Bits, false>(w, panel, segments, count, out); });
}
inline void unpack_floats(const weights_view& w, index_t panel, index_t first_unit, index_t units,
                          float* out) {
  simd::detail::with_bits(w.bits,
                          [&]<int Bits>() { unpack_floats_of<Bits>(w, panel, first_unit, units, out); });
}

}  // namespace bitgauge::kernel::neon
#endif  // defined(__aarch64__)
