#pragma once

/// \file
/// How much the error of each column counts.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <Eigen/Core>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {

/// Positive weights, one per column: how much the error of each column counts to a range that minimises an
/// error. Where several matrices lie one below the other, such as experts, each has weights of its own:
///
///     quantize(W, gguf::q4_k{}, importance(weights, experts));   // experts * cols weights
struct importance {
  std::vector<float> weights;
  index_t matrices = 1;  ///< of as many rows each, with cols() weights one after another

  importance() = default;
  explicit importance(std::vector<float> w, index_t matrix_count = 1)
      : weights(std::move(w)), matrices(matrix_count) {}
  template <class Derived>
  explicit importance(const Eigen::DenseBase<Derived>& w) : weights(static_cast<std::size_t>(w.size())) {
    const auto values = w.derived().eval();
    for (index_t i = 0; i < values.size(); ++i)
      weights[static_cast<std::size_t>(i)] = static_cast<float>(values(i));
  }

  /// The weights of row `row` of `rows`: none where there are none.
  std::span<const float> of_row(index_t row, index_t rows) const noexcept {
    if (weights.empty()) return {};
    const auto cols = weights.size() / static_cast<std::size_t>(matrices);
    return std::span(weights).subspan(static_cast<std::size_t>(row / (rows / matrices)) * cols, cols);
  }
};

namespace detail {

/// Raises shape_error unless there are no weights or one per column of each matrix, data_error for a weight
/// that is negative or not finite.
inline void check_importance(const importance& column_weights, index_t rows, index_t cols) {
  const std::vector<float>& weights = column_weights.weights;
  const index_t matrices = column_weights.matrices;
  if (weights.empty()) return;
  if (matrices < 1 || rows % matrices != 0)
    raise_message<shape_error>(
        {"importance: expected matrices that divide ", rows, " rows, found ", matrices});
  if (static_cast<index_t>(weights.size()) != matrices * cols)
    raise_message<shape_error>(
        {"importance: expected one weight for each of ", cols, " columns",
         matrices > 1 ? message_of({" of each of ", matrices, " matrices"}) : std::string(), ", found ",
         weights.size()});
  for (std::size_t c = 0; c < weights.size(); ++c)
    if (!numeric::is_finite(weights[c]) || weights[c] < 0)
      raise_message<data_error>({"importance of column ", static_cast<index_t>(c) % cols,
                                 ": expected a finite weight from 0 up, found ", weights[c]});
}

}  // namespace detail
}  // namespace bitgauge
