#pragma once

/// \file
/// Optimum-quanto's packing of 2 and 4-bit codes into bytes.
///
/// A matrix of codes is cut into 8 / bits slabs of h = ceil(rows / (8 / bits)) rows, the last padded with
/// zeros. Byte (r, c) holds row r of every slab, slab 0 in the low bits:
///
///     2 bits  | r + 3h | r + 2h | r + h  | r      |      4 bits  | r + h          | r              |
///      bit     7      6 5      4 3      2 1      0                7              4 3              0
///
/// A vector packs as a matrix of one column.

#include <bitgauge/packing/slabs.hpp>

namespace bitgauge::packing {

namespace detail {
template <int Bits>
using quanto_layout = slab_layout<std::uint8_t, Bits, 8 / Bits, true>;

inline void require_quanto_bits(int bits) {
  if (bits != 2 && bits != 4)
    raise(invalid_scheme("quanto bits: expected 2 or 4, found " + std::to_string(bits)));
}
}  // namespace detail

/// Packs codes of 2 or 4 bits. Throws invalid_scheme on other bits, data_error on a code that is too large.
inline code_matrix pack_quanto(const code_matrix& codes, int bits) {
  detail::require_quanto_bits(bits);
  return bits == 2 ? detail::pack_slabs<detail::quanto_layout<2>>(codes)
                   : detail::pack_slabs<detail::quanto_layout<4>>(codes);
}

/// Unpacks `rows` rows of codes, which the packed matrix itself does not tell. Throws shape_error where they
/// do not take packed.rows() rows of bytes, data_error where the padding is not zero.
inline code_matrix unpack_quanto(const code_matrix& packed, int bits, index_t rows) {
  detail::require_quanto_bits(bits);
  return bits == 2 ? detail::unpack_slabs<detail::quanto_layout<2>>(packed, rows)
                   : detail::unpack_slabs<detail::quanto_layout<4>>(packed, rows);
}

/// The first byte, row after row, of codes of `rows` rows in whose padding a bit is set, or -1.
inline index_t quanto_padding_fault(const code_matrix& packed, int bits, index_t rows) {
  detail::require_quanto_bits(bits);
  return bits == 2 ? detail::padding_fault<detail::quanto_layout<2>>(packed, rows)
                   : detail::padding_fault<detail::quanto_layout<4>>(packed, rows);
}

}  // namespace bitgauge::packing
