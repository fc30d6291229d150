#pragma once

/// \file
/// Where the importance of columns comes from, by the names of their tensors.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge {

/// One weight from 0 up per column, or per column of each expert, for each of some tensors: a file
/// (io::importance_file), or one's own.
class importance_source {
 public:
  virtual ~importance_source() = default;

  /// What messages call it, such as its path.
  virtual const std::string& source_name() const = 0;
  /// The weights of a tensor of `cols` columns, expert after expert; none where there are none for it.
  virtual std::optional<std::vector<float>> weights(const std::string& tensor, index_t cols) const = 0;
};

/// The weights of one tensor, and what to know of them.
struct tensor_importance {
  importance weights{};
  std::vector<std::string> notes{};
};

namespace detail {

/// Says which matrices have weights of 0 alone; leaves the weights out where all have.
inline void note_zeros(tensor_importance& result) {
  const importance& all = result.weights;
  std::vector<index_t> zeros;
  for (index_t m = 0; m < all.matrices; ++m) {
    const auto weights = all.of_row(m, all.matrices);
    if (std::all_of(weights.begin(), weights.end(), [](float w) { return w == 0; })) zeros.push_back(m);
  }
  if (zeros.empty() || all.weights.empty()) return;
  if (static_cast<index_t>(zeros.size()) == all.matrices) {
    result.notes.emplace_back("importance 0 in every column: quantized without");
    result.weights = {};
    return;
  }
  std::string list;
  constexpr std::size_t shown = 8;
  for (std::size_t i = 0; i < std::min(shown, zeros.size()); ++i)
    list += (i > 0 ? ", " : "") + std::to_string(zeros[i]);
  result.notes.push_back("no importance for " + std::to_string(zeros.size()) + " of " +
                         std::to_string(all.matrices) + " experts (" + list +
                         (zeros.size() > shown ? ", ..." : "") + "): quantized without");
}

}  // namespace detail

/// The weights of the tensor called `name`, `matrices` of `cols` columns one below the other: one a column
/// for all of them, or for each. None, with a note, where the source has none for it; a matrix of zeros is
/// quantized without. Raises shape_error, naming the source, for another number of weights, data_error for
/// one that is negative or not finite.
inline tensor_importance importance_of(const importance_source& source, const std::string& name,
                                       index_t matrices, index_t cols) {
  const std::string where = "importance in " + source.source_name();
  tensor_importance result;
  std::optional<std::vector<float>> weights = source.weights(name, cols);
  if (!weights) {
    result.notes.push_back("no " + where + ": quantized without");
    return result;
  }
  const auto found = static_cast<index_t>(weights->size());
  if (found != cols && found != matrices * cols)
    raise(shape_error(
        where + ": expected " + std::to_string(cols) + " weights, one a column" +
        (matrices > 1 ? ", or as many for each of " + std::to_string(matrices) + " experts" : "") +
        ", found " + std::to_string(found)));
  for (const float weight : *weights)
    if (!numeric::is_finite(weight) || weight < 0)
      raise(data_error(where + ": expected finite weights from 0 up, found " + std::to_string(weight)));
  result.weights = importance(*std::move(weights), found == cols ? 1 : matrices);
  detail::note_zeros(result);
  return result;
}

}  // namespace bitgauge
