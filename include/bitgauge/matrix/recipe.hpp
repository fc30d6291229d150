#pragma once

/// \file
/// The six answers of one quantization, their types erased, and what else a call may say.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/answers.hpp>
#include <bitgauge/matrix/options.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/rounding.hpp>
#include <bitgauge/scale/storage.hpp>

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
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
    raise(shape_error("importance: expected matrices that divide " + std::to_string(rows) + " rows, found " +
                      std::to_string(matrices)));
  if (static_cast<index_t>(weights.size()) != matrices * cols)
    raise(shape_error("importance: expected one weight for each of " + std::to_string(cols) + " columns" +
                      (matrices > 1 ? " of each of " + std::to_string(matrices) + " matrices" : "") +
                      ", found " + std::to_string(weights.size())));
  for (std::size_t c = 0; c < weights.size(); ++c)
    if (!numeric::is_finite(weights[c]) || weights[c] < 0)
      raise(data_error("importance of column " + std::to_string(static_cast<index_t>(c) % cols) +
                       ": expected a finite weight from 0 up, found " + std::to_string(weights[c])));
}

/// One quantization, described. A null rounding is to nearest.
struct recipe {
  std::shared_ptr<const any_grid> grid;
  granularity groups = per_row{};
  std::shared_ptr<const any_range> range = std::make_shared<extent_model>(false);
  std::shared_ptr<const any_rounding> rounding{};
  std::shared_ptr<const feedback_rounding> feedback{};  ///< decides instead of `rounding` where set
  scale_storage scales{};
  importance column_weights{};
  options how{};

  /// Takes one answer or option, whichever question it answers.
  template <class Answer>
  void set(const Answer& answer) {
    if constexpr (integer_grid_like<Answer>) {
      grid = std::make_shared<any_grid_of<integer_grid>>(static_cast<integer_grid>(answer));
    } else if constexpr (plain_grid<Answer>) {
      grid = std::make_shared<any_grid_of<Answer>>(answer);
    } else if constexpr (std::convertible_to<Answer, granularity>) {
      groups = answer;
    } else if constexpr (std::same_as<Answer, minmax_range> || std::same_as<Answer, absmax_range>) {
      range = std::make_shared<extent_model>(std::same_as<Answer, absmax_range>);
    } else if constexpr (bitgauge::range<Answer>) {
      range = std::make_shared<any_range_of<Answer>>(answer);
    } else if constexpr (std::same_as<Answer, nearest_rounding>) {
      rounding.reset();
      feedback.reset();
    } else if constexpr (std::derived_from<Answer, feedback_rounding>) {
      feedback = std::make_shared<Answer>(answer);
    } else if constexpr (neighbour_rounding<Answer>) {
      rounding = std::make_shared<any_rounding_of<Answer>>(answer);
    } else if constexpr (std::same_as<Answer, scale_storage> || std::same_as<Answer, double_quantized>) {
      scales = answer;
    } else if constexpr (std::same_as<Answer, importance>) {
      column_weights = answer;
    } else if constexpr (std::same_as<Answer, options>) {
      how = answer;
    } else if constexpr (!std::same_as<Answer, effort>) {
      refuse_unknown_answer<Answer>();
    }
  }
};

template <class... Answers>
recipe make_recipe(const Answers&... answers) {
  check_answers<Answers...>();
  recipe all;
  (all.set(answers), ...);
  if (!all.grid) all.set(make_affine(8));
  return all;
}

}  // namespace detail
}  // namespace bitgauge
