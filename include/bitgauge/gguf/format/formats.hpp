#pragma once

/// \file
/// Every block format of ggml, each a line or a few: which bits are scales, which are offsets, which are
/// levels. Source: the block structures of ggml's `ggml-common.h`. Offsets are in bytes from the start of the
/// block.

#include <bitgauge/gguf/format/block_format.hpp>

#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

/// A binary16 number at a byte.
template <int Byte>
using half_at = code_layout<single(Byte, 16)>;

/// Nibbles in runs: the low halves of `Run` bytes, then the high halves.
template <int Byte, int Run, int Entries>
using nibbles = code_layout<plane(Byte, 4, Run, Entries)>;

/// The sum of codes times the scale, which Q8_1 keeps for products with formats that have an offset. The
/// scale is the encoder's, before it was rounded to binary16.
struct scaled_sum_of_levels {
  static constexpr void pack(float scale, const std::int8_t* levels, std::uint8_t* bytes) noexcept {
    int sum = 0;
    for (int j = 0; j < 32; ++j) sum += levels[j];
    const std::uint16_t pattern = numeric::half_from_float(static_cast<float>(sum) * scale);
    half_at<2>::pack(&pattern, bytes);
  }
  static constexpr bool is_finite(const std::uint8_t* bytes) noexcept {
    std::uint16_t pattern = 0;
    half_at<2>::unpack(bytes, &pattern);
    return (pattern & 0x7c00u) != 0x7c00u;
  }
};

/// The sums of each 16 codes, 16 bits each, which Q8_K keeps for the same purpose.
struct sums_of_levels {
  static constexpr void pack(float, const std::int8_t* levels, std::uint8_t* bytes) noexcept {
    for (int group = 0; group < 16; ++group) {
      int sum = 0;
      for (int j = 0; j < 16; ++j) sum += levels[16 * group + j];
      bytes[260 + 2 * group] = static_cast<std::uint8_t>(sum & 255);
      bytes[261 + 2 * group] = static_cast<std::uint8_t>((sum >> 8) & 255);
    }
  }
};

/// The six-bit scales and offsets of Q4_K and Q5_K in 12 bytes: those of sub-blocks 0..3 whole in the low six
/// bits of bytes 0..3 and 4..7; those of 4..7 as nibbles in bytes 8..11 and two bits atop bytes 0..7.
using six_bit_scales = code_layout<bit_field{32, 4, {4, 8}, {2, 64}}, bit_field{36, 2, {4, 8}, {2, 2}}>;
using six_bit_offsets = code_layout<bit_field{64, 4, {4, 8}, {2, 36}}, bit_field{68, 2, {4, 8}, {2, 2}}>;

/// Words of 32 bits from a byte on, eight bytes or four apart: four sign codes of seven bits, and a scale of
/// four bits on top.
template <int Byte, int Apart>
using word_signs = code_layout<bit_field{8 * Byte, 7, {4, 7}, {8, 8 * Apart}}>;
template <int Byte, int Apart>
using word_scales = code_layout<bit_field{8 * Byte + 28, 4, {8, 8 * Apart}}>;

}  // namespace detail

// One scale, or a scale and an offset, for the whole block.

struct q4_0 : block_format<tensor_type::q4_0, half_scale<detail::half_at<0>>,
                           integer_levels<detail::nibbles<2, 16, 32>, 8, -8, 7>> {};
struct q4_1
    : block_format<tensor_type::q4_1, half_scale<detail::half_at<0>>,
                   integer_levels<detail::nibbles<4, 16, 32>, 0, 0, 15>, half_scale<detail::half_at<2>>> {};
struct q5_0
    : block_format<tensor_type::q5_0, half_scale<detail::half_at<0>>,
                   integer_levels<code_layout<plane(6, 4, 16, 32), plane(2, 1, 1, 32)>, 16, -16, 15>> {};
struct q5_1 : block_format<tensor_type::q5_1, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(8, 4, 16, 32), plane(4, 1, 1, 32)>, 0, 0, 31>,
                           half_scale<detail::half_at<2>>> {};
struct q8_0 : block_format<tensor_type::q8_0, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(2, 8, 32, 32)>, 0, -127, 127>> {};
struct q8_1 : block_format<tensor_type::q8_1, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(4, 8, 32, 32)>, 0, -127, 127>, no_offset,
                           detail::scaled_sum_of_levels> {};
struct q8_k : block_format<tensor_type::q8_k, float_scale,
                           integer_levels<code_layout<plane(4, 8, 256, 256)>, 0, -127, 127>, no_offset,
                           detail::sums_of_levels> {};
struct iq4_nl : block_format<tensor_type::iq4_nl, half_scale<detail::half_at<0>>,
                             table_levels<detail::nibbles<2, 16, 32>, iq4_levels>> {};

/// The two levels of Q1_0.
inline constexpr std::array<std::int8_t, 2> sign_levels{-1, 1};
struct q1_0 : block_format<tensor_type::q1_0, half_scale<detail::half_at<0>>,
                           table_levels<code_layout<plane(2, 1, 1, 128)>, sign_levels>> {};
struct q2_0 : block_format<tensor_type::q2_0, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(2, 2, 1, 64)>, 1, -1, 2>> {};
struct tq1_0 : block_format<tensor_type::tq1_0, half_scale<detail::half_at<52>>, ternary_levels<0>> {};
struct tq2_0 : block_format<tensor_type::tq2_0, half_scale<detail::half_at<64>>,
                            integer_levels<code_layout<plane(0, 2, 32, 256)>, 1, -1, 1>> {};

// Scales of one byte.

struct mxfp4 : block_format<tensor_type::mxfp4, byte_scale<code_layout<single(0, 8)>, half_e8m0>,
                            table_levels<detail::nibbles<1, 16, 32>, e2m1_doubled_levels>> {};
struct nvfp4 : block_format<tensor_type::nvfp4, byte_scale<code_layout<plane(0, 8, 4, 4)>, half_ue4m3>,
                            table_levels<detail::nibbles<4, 8, 64>, e2m1_doubled_levels>> {};

// Super-blocks of 256: a small integer for each sub-block under a binary16 super-scale.

struct q2_k
    : block_format<tensor_type::q2_k, super_scale<detail::half_at<80>, code_layout<bit_field{0, 4, {16, 8}}>>,
                   integer_levels<code_layout<plane(16, 2, 32, 256)>, 0, 0, 3>,
                   subtracted<super_scale<detail::half_at<82>, code_layout<bit_field{4, 4, {16, 8}}>>>> {};
struct q3_k
    : block_format<tensor_type::q3_k,
                   super_scale<detail::half_at<108>, code_layout<plane(96, 4, 8, 16), plane(104, 2, 4, 16)>,
                               factor_rule{.origin = -32}>,
                   integer_levels<code_layout<plane(32, 2, 32, 256), plane(0, 1, 32, 256)>, 4, -4, 3>> {};
struct q4_k : block_format<tensor_type::q4_k, super_scale<detail::half_at<0>, detail::six_bit_scales>,
                           integer_levels<detail::nibbles<16, 32, 256>, 0, 0, 15>,
                           subtracted<super_scale<detail::half_at<2>, detail::six_bit_offsets>>> {};
struct q5_k
    : block_format<tensor_type::q5_k, super_scale<detail::half_at<0>, detail::six_bit_scales>,
                   integer_levels<code_layout<plane(48, 4, 32, 256), plane(16, 1, 32, 256)>, 0, 0, 31>,
                   subtracted<super_scale<detail::half_at<2>, detail::six_bit_offsets>>> {};
struct q6_k
    : block_format<tensor_type::q6_k,
                   super_scale<detail::half_at<208>, code_layout<plane(192, 8, 16, 16)>,
                               factor_rule{.is_signed = true}>,
                   integer_levels<code_layout<plane(0, 4, 64, 256), plane(128, 2, 32, 256)>, 32, -32, 31>> {};
struct iq4_xs
    : block_format<tensor_type::iq4_xs,
                   super_scale<detail::half_at<0>, code_layout<plane(4, 4, 1, 8), plane(2, 2, 1, 8)>,
                               factor_rule{.origin = -32}>,
                   table_levels<detail::nibbles<8, 16, 256>, iq4_levels>> {};

// Super-blocks whose elements are coded in groups by a codebook: scale = d * (2 code + 1) * unit.

struct iq2_xxs
    : block_format<tensor_type::iq2_xxs,
                   super_scale<detail::half_at<0>, detail::word_scales<6, 8>,
                               factor_rule{.step = 2, .origin = 1, .unit_exponent = 3}>,
                   signed_codebook_levels<code_layout<bit_field{16, 8, {4, 8}, {8, 64}}>,
                                          detail::word_signs<6, 8>, even_parity, iq2_xxs_codebook>> {};
struct iq2_xs
    : block_format<
          tensor_type::iq2_xs,
          super_scale<detail::half_at<0>, code_layout<plane(66, 4, 1, 16)>,
                      factor_rule{.step = 2, .origin = 1, .unit_exponent = 3}>,
          signed_codebook_levels<code_layout<bit_field{16, 9, {32, 16}}>,
                                 code_layout<bit_field{25, 7, {32, 16}}>, even_parity, iq2_xs_codebook>> {};
struct iq2_s
    : block_format<tensor_type::iq2_s,
                   super_scale<detail::half_at<0>, code_layout<plane(74, 4, 1, 16)>,
                               factor_rule{.step = 2, .origin = 1, .unit_exponent = 3}>,
                   signed_codebook_levels<code_layout<plane(2, 8, 32, 32), plane(66, 2, 1, 32)>,
                                          code_layout<plane(34, 8, 32, 32)>, free_signs, iq2_s_codebook>> {};
struct iq3_xxs
    : block_format<tensor_type::iq3_xxs,
                   super_scale<detail::half_at<0>, detail::word_scales<66, 4>,
                               factor_rule{.step = 2, .origin = 1, .unit_exponent = 2}>,
                   signed_codebook_levels<code_layout<plane(2, 8, 64, 64)>, detail::word_signs<66, 4>,
                                          even_parity, iq3_xxs_codebook>> {};
struct iq3_s
    : block_format<tensor_type::iq3_s,
                   super_scale<detail::half_at<0>, code_layout<plane(106, 4, 1, 8)>,
                               factor_rule{.step = 2, .origin = 1}>,
                   signed_codebook_levels<code_layout<plane(2, 8, 64, 64), plane(66, 1, 1, 64)>,
                                          code_layout<plane(74, 8, 32, 32)>, free_signs, iq3_s_codebook>> {};
struct iq1_s
    : block_format<
          tensor_type::iq1_s,
          super_scale<detail::half_at<0>, code_layout<bit_field{34 * 8 + 12, 3, {8, 16}}>,
                      factor_rule{.step = 2, .origin = 1, .unit_exponent = 3}>,
          shifted_codebook_levels<code_layout<plane(2, 8, 32, 32), bit_field{34 * 8, 3, {4, 3}, {8, 16}}>,
                                  code_layout<bit_field{34 * 8 + 15, 1, {8, 16}}>, iq1_codebook>> {};

namespace detail {

/// The binary16 super-scale of IQ1_M, a nibble atop each of four words.
using scattered_half =
    code_layout<bit_field{396, 4}, bit_field{412, 4}, bit_field{428, 4}, bit_field{444, 4}>;

}  // namespace detail

struct iq1_m
    : block_format<tensor_type::iq1_m,
                   super_scale<detail::scattered_half, code_layout<bit_field{384, 3, {4, 3}, {4, 16}}>,
                               factor_rule{.step = 2, .origin = 1, .unit_exponent = 3}>,
                   shifted_codebook_levels<code_layout<plane(0, 8, 32, 32), bit_field{256, 3, {32, 4}}>,
                                           code_layout<bit_field{259, 1, {32, 4}}>, iq1_codebook>> {};

/// Calls `visit` with a value of the format whose type is `type`. Raises invalid_scheme for types that are
/// not made of blocks.
template <class Visitor>
constexpr auto visit_format(tensor_type type, Visitor&& visit) {
  switch (type) {
    case tensor_type::q4_0:
      return visit(q4_0{});
    case tensor_type::q4_1:
      return visit(q4_1{});
    case tensor_type::q5_0:
      return visit(q5_0{});
    case tensor_type::q5_1:
      return visit(q5_1{});
    case tensor_type::q8_0:
      return visit(q8_0{});
    case tensor_type::q8_1:
      return visit(q8_1{});
    case tensor_type::q8_k:
      return visit(q8_k{});
    case tensor_type::iq4_nl:
      return visit(iq4_nl{});
    case tensor_type::q1_0:
      return visit(q1_0{});
    case tensor_type::q2_0:
      return visit(q2_0{});
    case tensor_type::tq1_0:
      return visit(tq1_0{});
    case tensor_type::tq2_0:
      return visit(tq2_0{});
    case tensor_type::mxfp4:
      return visit(mxfp4{});
    case tensor_type::nvfp4:
      return visit(nvfp4{});
    case tensor_type::q2_k:
      return visit(q2_k{});
    case tensor_type::q3_k:
      return visit(q3_k{});
    case tensor_type::q4_k:
      return visit(q4_k{});
    case tensor_type::q5_k:
      return visit(q5_k{});
    case tensor_type::q6_k:
      return visit(q6_k{});
    case tensor_type::iq4_xs:
      return visit(iq4_xs{});
    case tensor_type::iq2_xxs:
      return visit(iq2_xxs{});
    case tensor_type::iq2_xs:
      return visit(iq2_xs{});
    case tensor_type::iq2_s:
      return visit(iq2_s{});
    case tensor_type::iq3_xxs:
      return visit(iq3_xxs{});
    case tensor_type::iq3_s:
      return visit(iq3_s{});
    case tensor_type::iq1_s:
      return visit(iq1_s{});
    case tensor_type::iq1_m:
      return visit(iq1_m{});
    default:
      break;
  }
  raise(invalid_scheme("tensor type " + std::string(traits_of(type).name) +
                       " is not a block format; expected a quantized type such as q4_K"));
}

}  // namespace bitgauge::gguf
