#pragma once

/// \file
/// HQQ's packing: slabs of rows, the first in the highest bits.
///
/// 8 bits: as it is. 4, 2 and 1 bits: bytes of 2, 4 and 8 slabs of h = rows / (8 / bits) rows:
///
///     4 bits  | r      | r + h  |      2 bits  | r | r + h | r + 2h | r + 3h |      1 bit  | r | r + h | ..
///     | r + 7h |
///      bit     7      4 3      0                7 6 5     4 3      2 1      0               7   6 0
///
/// 3 bits: int32 words of 10 slabs of h = ceil(rows / 10) rows, padded with zeros; the two highest bits stay
/// zero:
///
///     bit   31 30 29  27 26    24       2      0
///          | 0   | r    | r + h  | ... | r + 9h |

#include <bitgauge/packing/slabs.hpp>

namespace bitgauge::packing {

namespace detail {
template <int Bits>
using hqq_layout = slab_layout<std::uint8_t, Bits, 8 / Bits, false>;
using hqq_layout_3 = slab_layout<std::int32_t, 3, 10, false>;

inline void require_hqq_bits(int bits) {
  if (bits != 1 && bits != 2 && bits != 4 && bits != 8)
    raise(invalid_scheme("HQQ bits in bytes: expected 1, 2, 4 or 8, found " + std::to_string(bits)));
}
}  // namespace detail

/// Packs codes of 1, 2, 4 or 8 bits into bytes. Throws invalid_scheme on other bits, shape_error unless the
/// rows are a multiple of 8 / bits, data_error on a code that is too large.
inline code_matrix pack_hqq(const code_matrix& codes, int bits) {
  detail::require_hqq_bits(bits);
  detail::require_multiple("HQQ rows", codes.rows(), 8 / bits);
  if (bits == 1) return detail::pack_slabs<detail::hqq_layout<1>>(codes);
  if (bits == 2) return detail::pack_slabs<detail::hqq_layout<2>>(codes);
  return bits == 4 ? detail::pack_slabs<detail::hqq_layout<4>>(codes) : codes;
}

/// The inverse of pack_hqq.
inline code_matrix unpack_hqq(const code_matrix& packed, int bits) {
  detail::require_hqq_bits(bits);
  const index_t rows = packed.rows() * (8 / bits);
  if (bits == 1) return detail::unpack_slabs<detail::hqq_layout<1>>(packed, rows);
  if (bits == 2) return detail::unpack_slabs<detail::hqq_layout<2>>(packed, rows);
  return bits == 4 ? detail::unpack_slabs<detail::hqq_layout<4>>(packed, rows) : packed;
}

/// Packs 3-bit codes into ceil(rows / 10) rows of words. Throws data_error on a code above 7.
inline word_matrix pack_hqq_3bit(const code_matrix& codes) {
  return detail::pack_slabs<detail::hqq_layout_3>(codes);
}

/// Unpacks `rows` rows of 3-bit codes. Throws shape_error where they do not take packed.rows() rows of words,
/// data_error where the padding is not zero.
inline code_matrix unpack_hqq_3bit(const word_matrix& packed, index_t rows) {
  return detail::unpack_slabs<detail::hqq_layout_3>(packed, rows);
}

/// The first word, row after row, of 3-bit codes of `rows` rows in whose padding a bit is set, or -1.
inline index_t hqq_3bit_padding_fault(const word_matrix& packed, index_t rows) {
  return detail::padding_fault<detail::hqq_layout_3>(packed, rows);
}

}  // namespace bitgauge::packing
