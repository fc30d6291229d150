#pragma once

/// \file
/// Packing by slabs of rows: code r of every slab shares a word, so that a GPU unpacks whole rows at once.
/// Optimum-quanto and HQQ differ in the order of the slabs, the word and the padding alone.

#include <bitgauge/packing/grouped_codes.hpp>

#include <type_traits>

namespace bitgauge::packing::detail {

/// One slab layout: `slabs` slabs of rows in each word of type Word, slab s shifted left by shift(s).
template <class Word, int Bits, int Slabs, bool FirstSlabLow>
struct slab_layout {
  using word = Word;
  using matrix = Eigen::Matrix<Word, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  static constexpr int bits = Bits;
  static constexpr index_t slabs = Slabs;

  static constexpr int shift(index_t slab) noexcept {
    return Bits * static_cast<int>(FirstSlabLow ? slab : Slabs - 1 - slab);
  }
};

/// Rows of words that hold `rows` rows of codes: ceil(rows / slabs).
template <class Layout>
constexpr index_t slab_rows(index_t rows) noexcept {
  return (rows + Layout::slabs - 1) / Layout::slabs;
}

/// Packs slabs; rows missing in the last slab count as zeros.
template <class Layout>
typename Layout::matrix pack_slabs(const code_matrix& codes) {
  using word = typename Layout::word;
  require_codes("code", codes, Layout::bits);
  const index_t height = slab_rows<Layout>(codes.rows());
  typename Layout::matrix packed = Layout::matrix::Zero(height, codes.cols());
  for (index_t r = 0; r < codes.rows(); ++r) {
    const int shift = Layout::shift(r / height);
    for (index_t c = 0; c < codes.cols(); ++c) {
      word& into = packed(r % height, c);
      into = static_cast<word>(into | static_cast<word>(codes(r, c)) << shift);
    }
  }
  return packed;
}

/// The first word, row after row, in which a bit outside of the codes of `rows` rows is set, or -1.
template <class Layout>
index_t padding_fault(const typename Layout::matrix& packed, index_t rows) {
  using bits_of = std::make_unsigned_t<typename Layout::word>;
  constexpr auto mask = static_cast<bits_of>((1u << Layout::bits) - 1u);
  for (index_t r = 0; r < packed.rows(); ++r) {
    bits_of codes = 0;
    for (index_t row = r, slab = 0; row < rows && slab < Layout::slabs; row += packed.rows(), ++slab)
      codes = static_cast<bits_of>(codes | static_cast<bits_of>(mask) << Layout::shift(slab));
    for (index_t c = 0; c < packed.cols(); ++c)
      if ((static_cast<bits_of>(packed(r, c)) & static_cast<bits_of>(~codes)) != 0)
        return r * packed.cols() + c;
  }
  return -1;
}

/// Unpacks `rows` rows. Throws shape_error where `packed` is not their height, data_error where a bit outside
/// of the codes is set, which packing would lose.
template <class Layout>
code_matrix unpack_slabs(const typename Layout::matrix& packed, index_t rows) {
  using bits_of = std::make_unsigned_t<typename Layout::word>;
  constexpr auto mask = static_cast<bits_of>((1u << Layout::bits) - 1u);
  const index_t height = slab_rows<Layout>(rows);
  require_shape("packed codes", packed.rows(), packed.cols(), height, packed.cols());
  if (const index_t fault = padding_fault<Layout>(packed, rows); fault >= 0)
    raise(data_error("packed codes at row " + std::to_string(fault / packed.cols()) + ", column " +
                     std::to_string(fault % packed.cols()) +
                     ": expected zeros in the padding, found other bits"));
  code_matrix codes(rows, packed.cols());
  for (index_t r = 0; r < rows; ++r) {
    const int shift = Layout::shift(r / height);
    for (index_t c = 0; c < packed.cols(); ++c)
      codes(r, c) = static_cast<std::uint8_t>((static_cast<bits_of>(packed(r % height, c)) >> shift) & mask);
  }
  return codes;
}

}  // namespace bitgauge::packing::detail
