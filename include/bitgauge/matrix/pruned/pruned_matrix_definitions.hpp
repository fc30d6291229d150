#pragma once

/// \file
/// What pruned_matrix.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/simd/row.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace bitgauge {

BITGAUGE_DEFINE pruned_matrix pruned_matrix::of(quantized_matrix all, pruning_mask mask) {
  if (all.is_column_vector() || all.rows() != mask.rows() || all.cols() != mask.cols())
    detail::raise_message<shape_error>(
        {"pruned matrix: expected a matrix of ", mask.rows(), " x ", mask.cols(), " as the mask, found ",
         all.is_column_vector() ? "a column vector of " : "", all.rows(), " x ", all.cols()});
  pruned_matrix p;
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(mask.cols())), fields(flags.size());
  for (index_t r = 0; r < mask.rows(); ++r) {
    mask.read_row(r, flags.data());
    const std::uint8_t* codes = all.codes().data() + r * all.row_bytes();
    index_t kept = 0;
    for (index_t c = 0; c < mask.cols(); ++c)
      if (flags[static_cast<std::size_t>(c)] == 0)
        fields[static_cast<std::size_t>(kept++)] = packing::dense_field(codes, c, all.bits());
    const std::vector<std::uint8_t> packed = packing::packed_dense(fields.data(), kept, all.bits());
    p.codes_.insert(p.codes_.end(), packed.begin(), packed.end());
    p.begins_.push_back(static_cast<index_t>(p.codes_.size()));
  }
  all.codes_ = {};
  p.parameters_ = std::move(all);
  p.mask_ = std::move(mask);
  return p;
}

BITGAUGE_DEFINE void pruned_matrix::dequantize_row(index_t row, float* out, scratch& s) const {
  const auto cols = static_cast<std::size_t>(this->cols());
  s.flags.resize(cols);
  s.kept.resize(cols);
  s.row.fields.assign(cols, 0);
  mask_.read_row(row, s.flags.data());
  index_t kept = 0;
  for (const std::uint8_t pruned : s.flags) kept += pruned == 0;
  simd::unpack(codes_.data() + begins_[static_cast<std::size_t>(row)], kept, bits(),
               parameters_.extends_sign(), s.kept.data());
  for (std::size_t c = 0, next = 0; c < cols; ++c)
    if (s.flags[c] == 0) s.row.fields[c] = s.kept[next++];
  parameters_.decode_fields(row, s.row.fields.data(), out, s.row);
  for (std::size_t c = 0; c < cols; ++c)
    if (s.flags[c] != 0) out[c] = 0;
}

}  // namespace bitgauge
