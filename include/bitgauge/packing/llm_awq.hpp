#pragma once

/// \file
/// llm-awq's packing of version 2 ("WQLinear"): 4-bit codes of four neighbouring outputs in int16 words, in
/// the order in which TinyChat's GPU kernels want them.
///
/// `qweight`, (out / 4) x in. Row q holds outputs 4q .. 4q+3, cut into tiles of 64 words for 64 inputs.
/// Within tile t, word 16r + 8h + s (r = 0..3, h = 0..1, s = 0..7) holds output 4q + r of four inputs that
/// lie 8 apart:
///
///     bit   15           12 11            8 7             4 3             0
///          | i + 24        | i + 16        | i + 8         | i = 64t+32h+s |
///
/// The zero points of this version are floats, -scale * zero point, and need no packing.

#include <bitgauge/packing/grouped_codes.hpp>

namespace bitgauge::packing {

namespace detail {

/// Calls visit(word row, word column, shift, output, input) for every code of `out` x `in`.
template <class Visit>
void for_each_llm_awq_code(index_t out, index_t in, const Visit& visit) {
  for (index_t o = 0; o < out; ++o) {
    for (index_t i = 0; i < in; ++i) {
      const index_t tile = i / 64, half = i % 64 / 32, nibble = i % 32 / 8, step = i % 8;
      visit(o / 4, 64 * tile + 16 * (o % 4) + 8 * half + step, static_cast<int>(4 * nibble), o, i);
    }
  }
}

}  // namespace detail

/// Packs 4-bit codes, out x in, into (out / 4) x in words. Throws shape_error unless `out` is a multiple of 4
/// and `in` of 64, data_error on a code above 15.
inline short_matrix pack_llm_awq(const code_matrix& codes) {
  detail::require_multiple("llm-awq output features", codes.rows(), 4);
  detail::require_multiple("llm-awq input features", codes.cols(), 64);
  detail::require_codes("llm-awq code", codes, 4);
  short_matrix words = short_matrix::Zero(codes.rows() / 4, codes.cols());
  detail::for_each_llm_awq_code(
      codes.rows(), codes.cols(), [&](index_t row, index_t column, int shift, index_t o, index_t i) {
        words(row, column) = static_cast<std::int16_t>(words(row, column) | codes(o, i) << shift);
      });
  return words;
}

/// The inverse of pack_llm_awq.
inline code_matrix unpack_llm_awq(const short_matrix& words) {
  detail::require_multiple("llm-awq input features", words.cols(), 64);
  code_matrix codes(words.rows() * 4, words.cols());
  detail::for_each_llm_awq_code(codes.rows(), codes.cols(),
                                [&](index_t row, index_t column, int shift, index_t o, index_t i) {
                                  codes(o, i) = static_cast<std::uint8_t>((words(row, column) >> shift) & 15);
                                });
  return codes;
}

}  // namespace bitgauge::packing
