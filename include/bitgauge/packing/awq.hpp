#pragma once

/// \file
/// AutoAWQ's "gemm" packing: 4-bit codes of eight neighbouring outputs in one int32 word, interleaved for the
/// GPU's unpacking of two halves at a time.
///
/// `qweight`, in x (out / 8). Word w of row i holds codes(o, i) of outputs o = 8w + n, n in the order 0 2 4 6
/// 1 3 5 7 from the lowest nibble up:
///
///     bit   31   28 27   24 23   20 19   16 15   12 11    8 7     4 3     0
///          | 8w+7  | 8w+5  | 8w+3  | 8w+1  | 8w+6  | 8w+4  | 8w+2  | 8w    |
///
/// `qzeros`, groups x (out / 8): the same over zero points. `scales`, groups x out. Groups are consecutive:
/// group i / group_size.

#include <bitgauge/packing/grouped_codes.hpp>

#include <array>

namespace bitgauge::packing {

/// The three tensors of one layer, shapes as above; bits = 4.
struct awq_tensors {
  index_t group_size = 128;
  word_matrix qweight;
  word_matrix qzeros;
  float_matrix scales;
};

/// The output, of eight, in each nibble of a word, lowest nibble first.
using nibble_order = std::array<int, 8>;
/// AutoAWQ's order.
inline constexpr nibble_order awq_order{0, 2, 4, 6, 1, 3, 5, 7};
/// Outputs as they follow each other.
inline constexpr nibble_order plain_order{0, 1, 2, 3, 4, 5, 6, 7};

/// Packs each eight neighbours of a row of `codes` into one word. Throws shape_error unless the columns are a
/// multiple of 8, data_error on a code above 15.
inline word_matrix pack_nibbles(const code_matrix& codes, const nibble_order& order = awq_order) {
  detail::require_multiple("AWQ output features", codes.cols(), 8);
  detail::require_codes("AWQ code", codes, 4);
  word_matrix words(codes.rows(), codes.cols() / 8);
  for (index_t r = 0; r < words.rows(); ++r) {
    for (index_t w = 0; w < words.cols(); ++w) {
      std::uint32_t word = 0;
      for (std::size_t n = 0; n < 8; ++n)
        word |= static_cast<std::uint32_t>(codes(r, 8 * w + order[n])) << (4 * n);
      words(r, w) = static_cast<std::int32_t>(word);
    }
  }
  return words;
}

/// The inverse of pack_nibbles.
inline code_matrix unpack_nibbles(const word_matrix& words, const nibble_order& order = awq_order) {
  code_matrix codes(words.rows(), words.cols() * 8);
  for (index_t r = 0; r < words.rows(); ++r) {
    for (index_t w = 0; w < words.cols(); ++w) {
      const auto word = static_cast<std::uint32_t>(words(r, w));
      for (std::size_t n = 0; n < 8; ++n)
        codes(r, 8 * w + order[n]) = static_cast<std::uint8_t>((word >> (4 * n)) & 15u);
    }
  }
  return codes;
}

/// Packs a layer of 4-bit codes in consecutive groups of `group_size` inputs. Throws invalid_scheme unless it
/// is that, shape_error unless the outputs are a multiple of 8.
inline awq_tensors pack_awq(const grouped_codes& weights, index_t group_size) {
  if (weights.bits != 4) raise(invalid_scheme("AWQ bits: expected 4, found " + std::to_string(weights.bits)));
  detail::require_consistent(weights);
  if (weights.group_of_input != consecutive_groups(weights.in_features(), group_size))
    raise(invalid_scheme("AWQ groups: expected consecutive groups of " + std::to_string(group_size) +
                         " inputs, found another order"));
  return {group_size, pack_nibbles(weights.codes.transpose()), pack_nibbles(weights.zero_points.transpose()),
          weights.scales.transpose()};
}

/// Unpacks a layer; the exact inverse of pack_awq. Throws shape_error where the shapes disagree.
inline grouped_codes unpack_awq(const awq_tensors& tensors) {
  const index_t in = tensors.qweight.rows(), words = tensors.qweight.cols();
  const auto group_of_input = consecutive_groups(in, tensors.group_size);
  const index_t groups = (in + tensors.group_size - 1) / tensors.group_size;
  detail::require_shape("qzeros", tensors.qzeros.rows(), tensors.qzeros.cols(), groups, words);
  detail::require_shape("scales", tensors.scales.rows(), tensors.scales.cols(), groups, 8 * words);
  return {4, unpack_nibbles(tensors.qweight).transpose(), unpack_nibbles(tensors.qzeros).transpose(),
          tensors.scales.transpose(), group_of_input};
}

}  // namespace bitgauge::packing
