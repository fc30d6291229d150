#pragma once

/// \file
/// AutoGPTQ's packing of 2, 3, 4 and 8-bit codes into int32 words, also written by GPTQModel and read by
/// Transformers, vLLM and ExLlama.
///
/// `qweight`, (in * bits / 32) x out: down each column runs the stream of one output's codes, lowest bits
/// first, and the stream is cut into words. 4 bits, output o, word w:
///
///     bit   31   28 27   24 23   20 19   16 15   12 11    8 7     4 3     0
///          | i+7   | i+6   | i+5   | i+4   | i+3   | i+2   | i+1   | i = 8w |   codes(o, i)
///
/// With 3 bits, 32 codes fill three words, and codes 10 and 21 straddle two: the low bits end one word and
/// the rest begins the next.
///
///     word 0: c0 .. c9, low 2 bits of c10    word 1: high bit of c10, c11 .. c20, low bit of c21    word 2:
///     ...
///
/// `qzeros`, groups x (out * bits / 32): the same stream along each row, over outputs. `scales`, groups x
/// out. `g_idx`, in entries: the group of each input, out of order where GPTQ ran with act_order.

#include <bitgauge/packing/dense.hpp>
#include <bitgauge/packing/grouped_codes.hpp>

#include <vector>

namespace bitgauge::packing {

/// How `qzeros` holds zero points.
enum class zero_storage {
  minus_one,  ///< "gptq", version 1: zero point - 1 modulo 2^bits; 0 becomes all ones
  plain,      ///< "gptq_v2": the zero point
};

/// The four tensors of one layer, shapes as above.
struct autogptq_tensors {
  int bits = 4;
  zero_storage zeros = zero_storage::minus_one;
  word_matrix qweight;
  word_matrix qzeros;
  float_matrix scales;
  std::vector<std::int32_t> g_idx;
};

namespace detail {

inline void require_autogptq_bits(int bits) {
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
    raise(invalid_scheme("AutoGPTQ bits: expected 2, 3, 4 or 8, found " + std::to_string(bits)));
}

/// Elements whose codes fill whole words: 32 for 3 bits, else 32 / bits.
constexpr index_t codes_per_unit(int bits) noexcept {
  return bits == 3 ? 32 : 32 / bits;
}

/// Packs each row of `codes` into a row of words, lowest bits first.
inline word_matrix pack_words(const code_matrix& codes, int bits) {
  const index_t words = codes.cols() * bits / 32;
  word_matrix packed(codes.rows(), words);
  std::vector<std::uint8_t> stream(static_cast<std::size_t>(4 * words));
  for (index_t r = 0; r < codes.rows(); ++r) {
    pack_dense(codes.data() + r * codes.cols(), codes.cols(), bits, stream.data());
    for (index_t w = 0; w < words; ++w) {
      const std::uint8_t* byte = stream.data() + 4 * w;
      packed(r, w) =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(byte[0] | byte[1] << 8 | byte[2] << 16) |
                                    static_cast<std::uint32_t>(byte[3]) << 24);
    }
  }
  return packed;
}

/// The inverse of pack_words.
inline code_matrix unpack_words(const word_matrix& packed, int bits) {
  code_matrix codes(packed.rows(), packed.cols() * 32 / bits);
  std::vector<std::uint8_t> stream(static_cast<std::size_t>(4 * packed.cols()));
  for (index_t r = 0; r < packed.rows(); ++r) {
    for (std::size_t b = 0; b < stream.size(); ++b)
      stream[b] = static_cast<std::uint8_t>(
          static_cast<std::uint32_t>(packed(r, static_cast<index_t>(b / 4))) >> (8 * (b % 4)));
    unpack_dense(stream.data(), codes.cols(), bits, codes.data() + r * codes.cols());
  }
  return codes;
}

/// Adds `step` to every code, modulo 2^bits.
inline code_matrix shifted(const code_matrix& codes, int step, int bits) {
  const int mask = (1 << bits) - 1;
  return codes.unaryExpr([=](std::uint8_t code) { return static_cast<std::uint8_t>((code + step) & mask); });
}

}  // namespace detail

/// Packs a layer. Throws invalid_scheme on other bits, shape_error where `in` or `out` do not fill whole
/// words (a multiple of 32 / bits; 32 for 3 bits), data_error on a code that is too large or a group out of
/// range.
inline autogptq_tensors pack_autogptq(const grouped_codes& weights,
                                      zero_storage zeros = zero_storage::minus_one) {
  detail::require_autogptq_bits(weights.bits);
  detail::require_consistent(weights);
  const index_t unit = detail::codes_per_unit(weights.bits);
  detail::require_multiple("AutoGPTQ input features", weights.in_features(), unit);
  detail::require_multiple("AutoGPTQ output features", weights.out_features(), unit);
  code_matrix stored_zeros = weights.zero_points.transpose();
  if (zeros == zero_storage::minus_one) stored_zeros = detail::shifted(stored_zeros, -1, weights.bits);
  return {weights.bits,
          zeros,
          detail::pack_words(weights.codes, weights.bits).transpose(),
          detail::pack_words(stored_zeros, weights.bits),
          weights.scales.transpose(),
          weights.group_of_input};
}

/// Unpacks a layer; the exact inverse of pack_autogptq. Throws shape_error where the four shapes disagree and
/// data_error on a group out of range.
inline grouped_codes unpack_autogptq(const autogptq_tensors& tensors) {
  const int bits = tensors.bits;
  detail::require_autogptq_bits(bits);
  const index_t out = tensors.scales.cols(), groups = tensors.scales.rows();
  const auto in = static_cast<index_t>(tensors.g_idx.size());
  detail::require_multiple("AutoGPTQ input features", in, detail::codes_per_unit(bits));
  detail::require_multiple("AutoGPTQ output features", out, detail::codes_per_unit(bits));
  detail::require_shape("qweight", tensors.qweight.rows(), tensors.qweight.cols(), in * bits / 32, out);
  detail::require_shape("qzeros", tensors.qzeros.rows(), tensors.qzeros.cols(), groups, out * bits / 32);
  grouped_codes weights{bits, detail::unpack_words(tensors.qweight.transpose(), bits),
                        detail::unpack_words(tensors.qzeros, bits).transpose(), tensors.scales.transpose(),
                        tensors.g_idx};
  if (tensors.zeros == zero_storage::minus_one)
    weights.zero_points = detail::shifted(weights.zero_points, 1, bits);
  detail::require_consistent(weights);
  return weights;
}

}  // namespace bitgauge::packing
