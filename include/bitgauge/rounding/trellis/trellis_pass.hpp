#pragma once

/// \file
/// One pass of a trellis over the columns of a matrix, the error of each fed back into those still to come.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/grid/trellis/trellis_code.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/trellis/column_sums.hpp>
#include <bitgauge/rounding/trellis/path_search.hpp>
#include <bitgauge/rounding/trellis/symbol_costs.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// What a pass is given, columns in the order of processing. Rows of `factor` beside the diagonal say how much errors
/// of a column bear on later ones; without feedback it is empty.
struct trellis_problem {
  const numeric::row_major_matrix<float>* weights = nullptr;  ///< a row for each *column* of the matrix
  const numeric::row_major_matrix<float>* targets =
      nullptr;  ///< bit_targets() of these, or null: the weights
  std::vector<float>
      gains;  ///< of each column: what levels are chosen for, beside its target and what is fed back
  const numeric::row_major_matrix<float>* factor = nullptr;  ///< R of feedback_factor, or null
  trellis_code code{8};
};

/// What a pass may choose from.
struct trellis_parameters {
  std::vector<float> steps;                 ///< of each column
  std::vector<float> lambdas;               ///< of each column: per squared step
  std::vector<std::int8_t> column_classes;  ///< see symbol_model
  std::vector<std::int8_t> row_classes;     ///< of each row of the matrix
};

/// Rows of the matrix that a path runs down.
struct trellis_tile {
  index_t first, count;
};

/// Sixteen tiles side by side. GPTQ (Frantar et al., ICLR 2023) stated with R of feedback_factor, as error_feedback has
/// it: e_j = sum over i <= j of d_i R_ij are the errors of a row whose squares add up to its output error; the levels
/// of column j are those for the weight plus what makes up for the e_j of the columns before. Element l of row t of
/// the panel belongs to tile l, so that vectors run across tiles; shorter tiles begin later.
class trellis_panel {
 public:
  static constexpr index_t lane_count = path_search::lane_count;

  trellis_panel(const trellis_problem& problem, const symbol_costs& costs, const trellis_tile* tiles,
                index_t count)
      : problem_(problem), search_(problem.code, costs), tiles_(tiles), count_(count) {
    for (index_t l = 0; l < count; ++l) rows_ = std::max(rows_, tiles[l].count);
    sequences_.resize(rows_);
    sequences_.begin.fill(rows_);
    for (index_t l = 0; l < count; ++l)
      sequences_.begin[static_cast<std::size_t>(l)] = rows_ - tiles[l].count;
  }

  /// Writes the levels of column j (in order of processing) and matrix row r to levels(j, r), of rows that are in a
  /// tile, and to squares[j] the sum of the squares, in levels, of what these were chosen for.
  void run(const trellis_parameters& parameters, numeric::row_major_matrix<std::int32_t>& levels,
           double* squares) {
    const index_t cols = problem_.weights->rows(), size = rows_ * lane_count;
    const bool feeds_back = problem_.factor != nullptr;
    // d of all columns, and what is fed back into those of a batch
    numeric::row_major_matrix<float> difference(feeds_back ? cols : 1, size),
        fed(feeds_back ? batch : 1, size);
    std::vector<float> factors;
    for (index_t begin = 0; begin < cols; begin += batch) {
      const index_t width = std::min(batch, cols - begin);
      if (feeds_back) {
        fed.fill(0);
        pack(begin, width, factors);
        add_columns(fed.row(0), width, difference.row(0), begin, factors.data(), width, size, rows_);
      }
      for (index_t j = 0; j < width; ++j) {
        if (feeds_back && j % inner == 0 && j > 0)
          add_columns(fed.row(j), std::min(inner, width - j), difference.row(begin), j,
                      factors.data() + begin * width + j, width, size, rows_);
        if (feeds_back && j % inner > 0)
          add_columns(fed.row(j), 1, difference.row(begin + j / inner * inner), j % inner,
                      factors.data() + (begin + j / inner * inner) * width + j, width, size, rows_);
        squares[begin + j] = round_column(parameters, begin + j, feeds_back ? fed.row(j) : nullptr,
                                          feeds_back ? difference.row(begin + j) : nullptr, levels);
      }
    }
  }

 private:
  static constexpr index_t batch = 128, inner = 8;

  /// Rows [0, begin + width) of columns [begin, begin + width) of R, each divided by its diagonal element.
  void pack(index_t begin, index_t width, std::vector<float>& factors) const {
    factors.resize(static_cast<std::size_t>((begin + width) * width));
    for (index_t i = 0; i < begin + width; ++i)
      for (index_t j = 0; j < width; ++j)
        factors[static_cast<std::size_t>(i * width + j)] =
            i < begin + j ? (*problem_.factor)(i, begin + j) / (*problem_.factor)(begin + j, begin + j) : 0;
  }

  double round_column(const trellis_parameters& parameters, index_t j, const float* fed, float* difference,
                      numeric::row_major_matrix<std::int32_t>& levels) {
    const auto at = static_cast<std::size_t>(j);
    const float step = parameters.steps[at];
    const float inverse = problem_.gains.empty() ? 1 / step : problem_.gains[at] / step;
    const float* const weights = problem_.weights->row(j);
    const float* const targets = problem_.targets == nullptr ? weights : problem_.targets->row(j);
    std::fill(sequences_.values.begin(), sequences_.values.end(), 0.0f);
    std::fill(sequences_.zero_of.begin(), sequences_.zero_of.end(), symbol_costs::zero_of(0));
    double squares = 0;
    for (index_t l = 0; l < count_; ++l) {
      const trellis_tile& tile = tiles_[l];
      index_t place = (rows_ - tile.count) * lane_count + l;
      for (index_t r = 0; r < tile.count; ++r, place += lane_count) {
        const float target = targets[tile.first + r];
        const float current = fed == nullptr ? target : target + fed[place];
        const float value = current * inverse;
        squares += static_cast<double>(value) * static_cast<double>(value);  // exact products
        sequences_.values[static_cast<std::size_t>(place)] = value;
        sequences_.zero_of[static_cast<std::size_t>(place)] = symbol_costs::zero_of(
            parameters.column_classes[at] + parameters.row_classes[static_cast<std::size_t>(tile.first + r)]);
      }
    }
    sequences_.lambda.fill(parameters.lambdas[at]);
    search_.run(sequences_);
    if (difference != nullptr) std::fill_n(difference, rows_ * lane_count, 0.0f);
    std::int32_t* const out = levels.row(j);
    for (index_t l = 0; l < count_; ++l) {
      const trellis_tile& tile = tiles_[l];
      index_t place = (rows_ - tile.count) * lane_count + l;
      for (index_t r = 0; r < tile.count; ++r, place += lane_count) {
        const std::int32_t k = sequences_.levels[static_cast<std::size_t>(place)];
        out[tile.first + r] = k;
        if (difference == nullptr) continue;
        const float value = numeric::uncontracted(static_cast<float>(k) * step);
        difference[place] = weights[tile.first + r] - value;
      }
    }
    return squares;
  }

  const trellis_problem& problem_;
  path_search search_;
  const trellis_tile* tiles_;
  index_t count_, rows_ = 0;
  path_search::sequences sequences_;
};

/// One pass over some tiles, sixteen at a time, on `threads` threads. Returns of each column the sum of the squares, in
/// levels, of what levels were chosen for.
inline std::vector<double> trellis_pass(const trellis_problem& problem, const symbol_costs& costs,
                                        const trellis_parameters& parameters,
                                        const std::vector<trellis_tile>& tiles, int threads,
                                        numeric::row_major_matrix<std::int32_t>& levels) {
  const auto count = static_cast<index_t>(tiles.size());
  const index_t panels = (count + trellis_panel::lane_count - 1) / trellis_panel::lane_count;
  numeric::row_major_matrix<double> squares(panels, problem.weights->rows());
  parallel_for(panels, threads, [&](index_t i) {
    const index_t first = i * trellis_panel::lane_count;
    trellis_panel panel(problem, costs, tiles.data() + first,
                        std::min(trellis_panel::lane_count, count - first));
    panel.run(parameters, levels, squares.row(i));
  });
  std::vector<double> sums(static_cast<std::size_t>(squares.cols()));
  for (index_t i = 0; i < panels; ++i)
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += squares(i, static_cast<index_t>(j));
  return sums;
}

}  // namespace bitgauge::detail
