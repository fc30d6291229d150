#pragma once

// Tensors that are quantized some rows at a time: neither their floats nor their codes are in memory
// together.

#include <bitgauge/io/dtype.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/scheme.hpp>

#include "planner.hpp"

#include <algorithm>

namespace program {

/// Rows of one tensor, [first, first + count), and the importance that is theirs.
struct row_piece {
  bitgauge::index_t first = 0, count = 0;
  bitgauge::importance importance{};
};

/// Pieces hold a multiple of so many rows: zero points end at a byte, and sums of errors are those of the
/// whole.
inline constexpr bitgauge::index_t piece_alignment = 32;

/// True where each row gets the same bytes whatever rows are quantized with it, and can be read alone.
inline bool rows_stand_alone(const bitgauge::scheme& scheme, const plan_row& row, bitgauge::index_t rows) {
  if (rows == 0) return false;
  const auto* const plain = row.tensor->plain;
  // floats of 8 bits may have scales elsewhere
  if (plain == nullptr || !bitgauge::io::is_floating(plain->type) || bitgauge::io::size_of(plain->type) < 2 ||
      feeds_back(scheme, row))
    return false;
  if (row.blocks) return true;
  const bitgauge::granularity::kind what = scheme.groups.what;
  return scheme.rounding == bitgauge::rounding_kind::nearest &&
         (what == bitgauge::granularity::kind::row || what == bitgauge::granularity::kind::group) &&
         !bitgauge::is_nested(scheme.stored_scales().type) &&
         rows / row.importance.matrices % (row.importance.matrices > 1 ? piece_alignment : 1) == 0;
}

/// The piece that begins at `first`: some megabytes of floats, of one expert where experts have their own
/// importance.
inline row_piece piece_at(const plan_row& row, bitgauge::index_t first, bitgauge::index_t rows,
                          bitgauge::index_t cols) {
  constexpr bitgauge::index_t elements = 1 << 20;
  const bitgauge::index_t fitting = elements / std::max<bitgauge::index_t>(cols, 1) / piece_alignment;
  const bitgauge::index_t height = piece_alignment * std::max<bitgauge::index_t>(fitting, 1);
  const bitgauge::importance& all = row.importance;
  const bitgauge::index_t own = rows / all.matrices, end = all.matrices > 1 ? (first / own + 1) * own : rows;
  row_piece piece{first, std::min(height, end - first)};
  const auto weights = all.of_row(first, rows);
  piece.importance.weights.assign(weights.begin(), weights.end());
  return piece;
}

/// The floats of a piece.
inline bitgauge::io::tensor_file::float_matrix values_of(const bitgauge::io::stored_tensor& tensor,
                                                         const row_piece& piece, bitgauge::index_t cols) {
  bitgauge::io::tensor_file::float_matrix values(piece.count, cols);
  const auto width = static_cast<bitgauge::index_t>(bitgauge::io::size_of(tensor.plain->type));
  bitgauge::io::convert_to(tensor.plain->type, tensor.plain->data.data() + piece.first * cols * width,
                           static_cast<std::size_t>(values.size()), values.data());
  return values;
}

}  // namespace program
