#pragma once

/// \file
/// Every block format of ggml, each a line or a few: which bits are scales, which are minima, which are
/// levels, and how hard its encoders search. Source: the block structures of ggml's `ggml-common.h`. Places
/// are in bytes from the start of the block.
///
/// The plans were found by trying on Gaussian and Student-t data (4 degrees of freedom), importances 1 and
/// e^(2 N(0, 1)): the error of effort::normal is within half a percent of the optimum's. Eight bits have no
/// local optimum to climb to: any scale may by chance suit all elements, so the more are tried the better. Few
/// levels are decided by where the bulk lies below the extreme, however far that is.

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

/// The sum of codes times the scale, which Q8_1 keeps for products with formats that have a minimum. The
/// scale is the encoder's, before it was rounded to binary16.
struct scaled_sum_of_levels {
  static constexpr int stored_bits = 16;
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
  static constexpr int stored_bits = 256;
  static constexpr void pack(float, const std::int8_t* levels, std::uint8_t* bytes) noexcept {
    for (int group = 0; group < 16; ++group) {
      int sum = 0;
      for (int j = 0; j < 16; ++j) sum += levels[16 * group + j];
      bytes[260 + 2 * group] = static_cast<std::uint8_t>(sum & 255);
      bytes[261 + 2 * group] = static_cast<std::uint8_t>((sum >> 8) & 255);
    }
  }
};

/// The six-bit scales and minima of Q4_K and Q5_K in 12 bytes: those of sub-blocks 0..3 whole in the low six
/// bits of bytes 0..3 and 4..7; those of 4..7 as nibbles in bytes 8..11 and two bits atop bytes 0..7.
using six_bit_scales = code_layout<bit_field{32, 4, {4, 8}, {2, 64}}, bit_field{36, 2, {4, 8}, {2, 2}}>;
using six_bit_minima = code_layout<bit_field{64, 4, {4, 8}, {2, 36}}, bit_field{68, 2, {4, 8}, {2, 2}}>;

/// Words of 32 bits from a byte on, eight bytes or four apart: four sign codes of seven bits, and a scale of
/// four bits on top.
template <int Byte, int Apart>
using word_signs = code_layout<bit_field{8 * Byte, 7, {4, 7}, {8, 8 * Apart}}>;
template <int Byte, int Apart>
using word_scales = code_layout<bit_field{8 * Byte + 28, 4, {8, 8 * Apart}}>;

}  // namespace detail

// One scale, or a scale and a minimum, for the whole block.

struct q4_0 : block_format<tensor_type::q4_0, half_scale<detail::half_at<0>>,
                           integer_levels<detail::nibbles<2, 16, 32>, 8, -8, 7>> {
  static constexpr fast_rule fast = fast_rule::extreme;
  static constexpr scale_trials normal_plan{8.0f, evenly<11, true>(5.4f, 9.4f), evenly<18, true>(4, 17)};
};
struct q4_1
    : block_format<tensor_type::q4_1, half_scale<detail::half_at<0>>,
                   integer_levels<detail::nibbles<4, 16, 32>, 0, 0, 15>, half_scale<detail::half_at<2>>> {
  static constexpr trials normal_plan{0.2f, 10, 0, 2};
  static constexpr bool has_table_row = false;
};
struct q5_0
    : block_format<tensor_type::q5_0, half_scale<detail::half_at<0>>,
                   integer_levels<code_layout<plane(6, 4, 16, 32), plane(2, 1, 1, 32)>, 16, -16, 15>> {
  static constexpr fast_rule fast = fast_rule::extreme;
  static constexpr scale_trials normal_plan{16.0f, evenly<13, true>(12.2f, 17), evenly<24, true>(8, 27)};
};
struct q5_1 : block_format<tensor_type::q5_1, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(8, 4, 16, 32), plane(4, 1, 1, 32)>, 0, 0, 31>,
                           half_scale<detail::half_at<2>>> {
  static constexpr trials normal_plan{0.25f, 8, 0, 2};
  static constexpr bool has_table_row = false;
};

namespace detail {

template <std::size_t Plain, std::size_t Weighted>
inline constexpr scale_trials trials_of_eight_bits{127.0f, evenly<Plain, false>(109, 127.4f),
                                                   evenly<Weighted, false>(68, 136)};

}  // namespace detail

struct q8_0 : block_format<tensor_type::q8_0, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(2, 8, 32, 32)>, 0, -127, 127>> {
  static constexpr fast_rule fast = fast_rule::extreme;
  static constexpr auto normal_plan = detail::trials_of_eight_bits<32, 80>;
};
struct q8_1 : block_format<tensor_type::q8_1, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(4, 8, 32, 32)>, 0, -127, 127>, no_minimum,
                           detail::scaled_sum_of_levels> {
  static constexpr fast_rule fast = fast_rule::reference;
  static constexpr auto normal_plan = detail::trials_of_eight_bits<32, 80>;
  static constexpr bool has_table_row = false;
};
struct q8_k : block_format<tensor_type::q8_k, float_scale,
                           integer_levels<code_layout<plane(4, 8, 256, 256)>, 0, -127, 127>, no_minimum,
                           detail::sums_of_levels> {
  static constexpr fast_rule fast = fast_rule::reference;
  static constexpr auto normal_plan = detail::trials_of_eight_bits<20, 40>;
  static constexpr bool has_table_row = false;
};
struct iq4_nl : block_format<tensor_type::iq4_nl, half_scale<detail::half_at<0>>,
                             table_levels<detail::nibbles<2, 16, 32>, iq4_levels>> {
  static constexpr scale_trials normal_plan{127.0f, evenly<6, true>(112, 140), evenly<10, true>(70, 230)};
};

/// The two levels of Q1_0; zero counts as positive.
inline constexpr std::array<std::int8_t, 2> sign_levels{-1, 1};
struct q1_0 : block_format<tensor_type::q1_0, half_scale<detail::half_at<0>>,
                           table_levels<code_layout<plane(2, 1, 1, 128)>, sign_levels, tie::up>> {
  static constexpr fast_rule fast = fast_rule::reference;
  /// The levels are the signs whatever the scale.
  static constexpr scale_trials normal_plan{1.0f, std::array{1.0f}, std::array{1.0f}};
  static constexpr bool has_table_row = false;
};
struct q2_0 : block_format<tensor_type::q2_0, half_scale<detail::half_at<0>>,
                           integer_levels<code_layout<plane(2, 2, 1, 64)>, 1, -1, 2>> {
  static constexpr fast_rule fast = fast_rule::reference;
  static constexpr scale_trials normal_plan{1.0f, by_ratio<14, true>(0.9f, 1.25f),
                                            by_ratio<14, true>(0.9f, 1.25f)};
  static constexpr bool has_table_row = false;
};

namespace detail {

inline constexpr scale_trials trials_of_ternary_levels{1.0f, by_ratio<18, false>(0.7f, 1.4f),
                                                       by_ratio<18, false>(0.7f, 1.4f)};

}  // namespace detail

struct tq1_0 : block_format<tensor_type::tq1_0, half_scale<detail::half_at<52>>,
                            integer_levels<ternary_layout<0>, 1, -1, 1>> {
  static constexpr fast_rule fast = fast_rule::reference;
  static constexpr auto normal_plan = detail::trials_of_ternary_levels;
  static constexpr bool has_table_row = false;
};
struct tq2_0 : block_format<tensor_type::tq2_0, half_scale<detail::half_at<64>>,
                            integer_levels<code_layout<plane(0, 2, 32, 256)>, 1, -1, 1>> {
  static constexpr fast_rule fast = fast_rule::reference;
  static constexpr auto normal_plan = detail::trials_of_ternary_levels;
};

// Scales of one byte. In the table of README they are schemes.

struct mxfp4 : block_format<tensor_type::mxfp4, byte_scale<code_layout<single(0, 8)>, half_e8m0, 254>,
                            table_levels<detail::nibbles<1, 16, 32>, e2m1_doubled_levels>> {
  static constexpr trials normal_plan{0, 3, 1, 0};
  static constexpr bool has_table_row = false;
};
struct nvfp4 : block_format<tensor_type::nvfp4, byte_scale<code_layout<plane(0, 8, 4, 4)>, half_ue4m3, 126>,
                            table_levels<detail::nibbles<4, 8, 64>, e2m1_doubled_levels>> {
  static constexpr trials normal_plan{0, 10, 2, 0};
  static constexpr bool has_table_row = false;
};

// Super-blocks of 256: a small integer for each sub-block under a binary16 super-scale.

struct q2_k
    : block_format<tensor_type::q2_k, super_scale<detail::half_at<80>, code_layout<bit_field{0, 4, {16, 8}}>>,
                   integer_levels<code_layout<plane(16, 2, 32, 256)>, 0, 0, 3>,
                   subtracted<super_scale<detail::half_at<82>, code_layout<bit_field{4, 4, {16, 8}}>>>> {
  static constexpr trials normal_plan{0.3f, 10, 0, 2};
  static constexpr super_scale_min_plan best_plan{.scales = 2, .minima = 3, .widest = 0.05f, .cut = 0.6f};
};
struct q3_k
    : block_format<tensor_type::q3_k,
                   super_scale<detail::half_at<108>, code_layout<plane(96, 4, 8, 16), plane(104, 2, 4, 16)>,
                               factor_rule{.origin = -32}>,
                   integer_levels<code_layout<plane(32, 2, 32, 256), plane(0, 1, 32, 256)>, 4, -4, 3>> {
  static constexpr trials normal_plan{0.3f, 11, 3, 2};
  static constexpr super_scale_plan best_plan{
      .numerator = 503, .denominator = 500, .scanned = 128, .rival = 1.1f, .widest_weighted = 1.6f};
};
struct q4_k : block_format<tensor_type::q4_k, super_scale<detail::half_at<0>, detail::six_bit_scales>,
                           integer_levels<detail::nibbles<16, 32, 256>, 0, 0, 15>,
                           subtracted<super_scale<detail::half_at<2>, detail::six_bit_minima>>> {
  static constexpr trials normal_plan{0.2f, 10, 0, 2};
};
struct q5_k
    : block_format<tensor_type::q5_k, super_scale<detail::half_at<0>, detail::six_bit_scales>,
                   integer_levels<code_layout<plane(48, 4, 32, 256), plane(16, 1, 32, 256)>, 0, 0, 31>,
                   subtracted<super_scale<detail::half_at<2>, detail::six_bit_minima>>> {
  static constexpr trials normal_plan{0.25f, 8, 0, 2};
  static constexpr super_scale_min_plan best_plan{.scales = 2, .minima = 2, .variations = 4, .cut = 0.1f};
};
struct q6_k
    : block_format<tensor_type::q6_k,
                   super_scale<detail::half_at<208>, code_layout<plane(192, 8, 16, 16)>,
                               factor_rule{.is_signed = true}>,
                   integer_levels<code_layout<plane(0, 4, 64, 256), plane(128, 2, 32, 256)>, 32, -32, 31>> {
  static constexpr trials normal_plan{0.4f, 9, 3, 1};
  static constexpr super_scale_plan best_plan{
      .numerator = 1003, .denominator = 1000, .rival = 1.03f, .widest = 1.4f};
};
struct iq4_xs
    : block_format<tensor_type::iq4_xs,
                   super_scale<detail::half_at<0>, code_layout<plane(4, 4, 1, 8), plane(2, 2, 1, 8)>,
                               factor_rule{.origin = -32}>,
                   table_levels<detail::nibbles<8, 16, 256>, iq4_levels>> {
  static constexpr trials normal_plan{2.5f, 7, 5, 2};
  static constexpr super_scale_plan best_plan{.tried = 3, .rival = 1.0f, .widest_weighted = 1.6f};
};

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

/// All of them, in the order of the documentation: the most bits first.
template <class... Formats>
struct format_list {};
using block_formats =
    format_list<q8_k, q8_1, q8_0, q6_k, q5_1, q5_k, q5_0, q4_1, q4_k, q4_0, iq4_nl, nvfp4, mxfp4, iq4_xs,
                q3_k, iq3_s, iq3_xxs, q2_k, iq2_s, iq2_xs, q2_0, iq2_xxs, tq2_0, iq1_m, tq1_0, iq1_s, q1_0>;

}  // namespace bitgauge::gguf
