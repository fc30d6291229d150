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

[[noreturn, gnu::cold]] inline void refuse_matrices(index_t matrices, index_t rows) {
  raise(shape_error("importance: expected matrices that divide " + std::to_string(rows) + " rows, found " +
                    std::to_string(matrices)));
}
[[noreturn, gnu::cold]] inline void refuse_count(std::size_t found, index_t matrices, index_t cols) {
  raise(shape_error("importance: expected one weight for each of " + std::to_string(cols) + " columns" +
                    (matrices > 1 ? " of each of " + std::to_string(matrices) + " matrices" : "") +
                    ", found " + std::to_string(found)));
}
[[noreturn, gnu::cold]] inline void refuse_weight(float weight, index_t column) {
  raise(data_error("importance of column " + std::to_string(column) +
                   ": expected a finite weight from 0 up, found " + std::to_string(weight)));
}

/// Raises shape_error unless there are no weights or one per column of each matrix, data_error for a weight
/// that is negative or not finite.
inline void check_importance(const importance& column_weights, index_t rows, index_t cols) {
  const std::vector<float>& weights = column_weights.weights;
  const index_t matrices = column_weights.matrices;
  if (weights.empty()) return;
  if (matrices < 1 || rows % matrices != 0) refuse_matrices(matrices, rows);
  if (static_cast<index_t>(weights.size()) != matrices * cols) refuse_count(weights.size(), matrices, cols);
  for (std::size_t c = 0; c < weights.size(); ++c)
    if (!numeric::is_finite(weights[c]) || weights[c] < 0)
      refuse_weight(weights[c], static_cast<index_t>(c) % cols);
}

}  // namespace detail
}  // namespace bitgauge
