#pragma once

/// \file
/// How much the columns of a tensor of a plan matter.

#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/tensors/importance_source.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>
#include <bitgauge/model/tensors/matrix_shape.hpp>

#include <string>
#include <utility>

namespace bitgauge::detail {

/// Says how many blocks have no weight above 0; matrices wholly without have a note of their own.
inline void note_empty_blocks(planned_tensor& row) {
  const importance& all = row.weights;
  const auto elements = static_cast<index_t>(gguf::traits_of(*row.to.type()).elements);
  index_t empty = 0, blocks = 0;
  for (index_t m = 0; m < all.matrices && !all.weights.empty(); ++m) {
    const auto weights = all.of_row(m, all.matrices);
    const auto count = (static_cast<index_t>(weights.size()) + elements - 1) / elements;
    const index_t found = gguf::blocks_without_importance(weights, elements);
    blocks += count;
    empty += found < count ? found : 0;
  }
  if (empty > 0)
    row.notes.push_back("importance 0 in " + std::to_string(empty) + " of " + std::to_string(blocks) +
                        " blocks of columns: the plain error decides there");
}

/// Finds the importance of a tensor, and says where it has none or it changes nothing.
inline void weigh(const importance_source& source, const std::string& source_name, planned_tensor& row) {
  tensor_importance found = locate_failures(source_name, row.name, [&] {
    return importance_of(source, row.name, stacked_matrices(row.shape, row.how_rows), row.cols);
  });
  if (row.to.what() == tensor_format::kind::floats)
    return row.notes.emplace_back("importance changes nothing in floats"), void();
  if (row.to.type() && row.to.feeds_back())
    return row.notes.emplace_back("importance not used: with gptq a ggml type takes the Hessian's diagonal"),
           void();
  if (row.to.trellis() != nullptr && row.to.feeds_back())
    return row.notes.emplace_back("importance not used: with gptq a trellis takes the Hessian"), void();
  if (row.to.trellis() != nullptr && found.weights.matrices > 1)
    return row.notes.emplace_back("importance of experts not used: a trellis takes one weight a column"),
           void();
  if (row.to.what() == tensor_format::kind::codes && !uses_importance(row.to.answers()))
    return row.notes.emplace_back("importance changes nothing with range=minmax"), void();
  if (row.entry && row.entry->transform && !row.entry->transform->has_input_factors())
    return row.notes.emplace_back("importance not used: a rotation mixes the columns it weighs"), void();
  row.weights = std::move(found.weights);
  if (row.to.type()) note_empty_blocks(row);
  for (std::string& note : found.notes) row.notes.push_back(std::move(note));
}

}  // namespace bitgauge::detail
