#pragma once

/// \file
/// From a matrix to levels of a trellis at a given number of bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/trellis/symbol_costs.hpp>
#include <bitgauge/rounding/trellis/trellis_options.hpp>
#include <bitgauge/rounding/trellis/trellis_pass.hpp>
#include <bitgauge/rounding/trellis/water_fill.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Levels and what is needed to read them, columns in the order of processing.
struct trellis_levels {
  std::vector<index_t> order;                      ///< order[i] is the column processed i-th
  numeric::row_major_matrix<std::int32_t> levels;  ///< a row for each column
  float unit = 0;
  std::vector<std::int8_t> step_exponents, column_classes, row_classes;
  int shape = 0;
  double bits = 0;  ///< of all symbols, by their models
};

/// Chooses steps and classes for a rate: passes over some rows until the rate is met, then over all.
class trellis_run {
 public:
  /// `weights`: a row for each column of the matrix in the order of processing; `importance`: how much squared errors
  /// of each count, where there is no feedback; 0 for columns that do not matter.
  trellis_run(const trellis& settings, numeric::row_major_matrix<float> weights,
              std::vector<double> importance, numeric::row_major_matrix<float> factor, int threads)
      : settings_(settings),
        fill_(settings.states),
        weights_(std::move(weights)),
        factor_(std::move(factor)),
        threads_(threads) {
    problem_.weights = &weights_;
    problem_.factor = factor_.rows() > 0 ? &factor_ : nullptr;
    problem_.code = trellis_code(settings.states);
    set_roots(std::move(importance));
    set_row_classes();
    spreads_.resize(roots_.size());
    for (index_t j = 0; j < cols(); ++j) {
      double sum = 0;
      for (index_t r = 0; r < rows(); ++r) sum += square(weights_(j, r));
      spreads_[static_cast<std::size_t>(j)] = std::sqrt(sum / static_cast<double>(rows()));
    }
  }

  index_t rows() const { return weights_.cols(); }
  index_t cols() const { return weights_.rows(); }
  int passes() const { return passes_; }

  /// The levels at `bits` of symbols a weight.
  trellis_levels run(double bits) {
    result_.levels.resize(cols(), rows());
    const std::vector<trellis_tile> all = tiles(settings_.tile_rows, 1);
    const index_t few_rows = 512, height = 32;
    const bool samples = rows() >= 2 * few_rows;
    const std::vector<trellis_tile> some = samples ? tiles(height, rows() / few_rows) : all;
    if (!costs_) {
      costs_ = std::make_unique<symbol_costs>(problem_.code, 0);
      // the rate of a normal distribution: log2(spread / step) + 1.025 with a trellis, 2.047 without
      double level = 0, count = 0;
      for (std::size_t j = 0; j < roots_.size(); ++j)
        if (roots_[j] * spreads_[j] > 0) {
          level += numeric::portable_log2(roots_[j] * spreads_[j]);
          ++count;
        }
      if (count == 0) return nothing();
      log_unit_ = level / count + (settings_.states == 1 ? 2.05 : 1.03) - bits;
      choose_parameters();
      seek(some, bits, 2, 0.02);
      choose_shape(some);
    }
    seek(some, bits, 6, 0.001);
    for (int i = 0;; ++i) {
      pass(all);
      ++passes_;
      refit(all, 2);
      const double found = rate(all);
      result_.bits = found * static_cast<double>(rows() * cols());
      if (std::fabs(found - bits) <= 0.002 * bits || i == 3) break;
      move_to(found, bits);
    }
    result_.unit = static_cast<float>(unit_);
    result_.column_classes = parameters_.column_classes;
    result_.row_classes = parameters_.row_classes;
    result_.shape = costs_->shape();
    return result_;
  }

 private:
  static double square(double x) { return x * x; }

  trellis_levels nothing() {
    result_.levels.fill(0);
    result_.unit = 1;
    result_.step_exponents.assign(roots_.size(), 0);
    result_.column_classes.assign(roots_.size(), symbol_model::least_class);
    result_.row_classes = parameters_.row_classes;
    return result_;
  }

  /// Roots of what errors of columns count, of geometric mean 1.
  void set_roots(std::vector<double> importance) {
    roots_.resize(static_cast<std::size_t>(cols()));
    double sum = 0, count = 0;
    for (std::size_t j = 0; j < roots_.size(); ++j) {
      const auto at = static_cast<index_t>(j);
      roots_[j] =
          problem_.factor != nullptr ? static_cast<double>(factor_(at, at)) : std::sqrt(importance[j]);
      if (roots_[j] > 0) {
        sum += numeric::portable_log2(roots_[j]);
        ++count;
      }
    }
    const double mean = count > 0 ? numeric::portable_exp2(sum / count) : 1;
    for (double& root : roots_) root /= mean;
  }

  /// Rows of larger weights have larger levels: classes by their mean magnitude beside that of all.
  void set_row_classes() {
    parameters_.row_classes.assign(static_cast<std::size_t>(rows()), 0);
    std::vector<double> sums(static_cast<std::size_t>(rows()));
    for (index_t j = 0; j < cols(); ++j)
      for (index_t r = 0; r < rows(); ++r)
        sums[static_cast<std::size_t>(r)] +=
            std::fabs(static_cast<double>(weights_(j, r))) * roots_[static_cast<std::size_t>(j)];
    double level = 0, count = 0;
    for (const double sum : sums)
      if (sum > 0) {
        level += numeric::portable_log2(sum);
        ++count;
      }
    if (count == 0) return;
    for (std::size_t r = 0; r < sums.size(); ++r)
      parameters_.row_classes[r] = static_cast<std::int8_t>(
          sums[r] > 0 ? std::clamp(std::floor(4 * (numeric::portable_log2(sums[r]) - level / count) + 0.5),
                                   -16.0, 16.0)
                      : -16.0);
  }

  /// All rows in tiles of `height`; or of every `stride` tiles the first.
  std::vector<trellis_tile> tiles(index_t height, index_t stride) const {
    std::vector<trellis_tile> list;
    for (index_t first = 0; first < rows(); first += height * stride)
      list.push_back({first, std::min(height, rows() - first)});
    return list;
  }

  /// Steps and lambdas for the unit and the spreads of columns.
  void choose_parameters() {
    unit_ = static_cast<double>(static_cast<float>(numeric::portable_exp2(log_unit_)));
    const auto n = roots_.size();
    parameters_.steps.resize(n);
    parameters_.lambdas.resize(n);
    parameters_.column_classes.resize(n);
    result_.step_exponents.resize(n);
    for (std::size_t j = 0; j < n; ++j) {
      const bool matters = roots_[j] * spreads_[j] > 0;
      const int exponent = matters ? fill_.step_exponent(roots_[j], spreads_[j], unit_) : 0;
      result_.step_exponents[j] = static_cast<std::int8_t>(exponent);
      const float step = trellis_step(static_cast<float>(unit_), exponent);
      parameters_.steps[j] = step;
      parameters_.lambdas[j] =
          matters ? fill_.lambda(square(roots_[j] * static_cast<double>(step) / unit_)) : 1e6f;
      const double ratio = spreads_[j] / static_cast<double>(step);
      parameters_.column_classes[j] = static_cast<std::int8_t>(
          ratio > 0
              ? std::clamp(std::floor(4 * numeric::portable_log2(ratio) + 0.5) + class_offset_, -30.0, 60.0)
              : symbol_model::least_class);
    }
  }

  void pass(const std::vector<trellis_tile>& list) {
    trellis_pass(problem_, *costs_, parameters_, list, threads_, result_.levels);
  }

  template <class Body>
  void for_levels(index_t j, const std::vector<trellis_tile>& list, const Body& body) const {
    for (const trellis_tile& tile : list)
      for (index_t r = tile.first; r < tile.first + tile.count; ++r)
        body(result_.levels(j, r), parameters_.row_classes[static_cast<std::size_t>(r)]);
  }

  double column_bits(index_t j, int quarters, const symbol_costs& costs,
                     const std::vector<trellis_tile>& list) const {
    double sum = 0;
    for_levels(j, list,
               [&](std::int32_t k, int row) { sum += static_cast<double>(costs.bits(quarters + row, k)); });
    return sum;
  }

  /// The class of fewest bits of each column, `reach` from the last; and spreads of what was rounded.
  void refit(const std::vector<trellis_tile>& list, int reach) {
    column_bits_.resize(roots_.size());
    parallel_for(cols(), threads_, [&](index_t j) {
      const auto at = static_cast<std::size_t>(j);
      std::int8_t& quarters = parameters_.column_classes[at];
      column_bits_[at] = best_class(j, *costs_, list, reach, quarters);
    });
    if (problem_.factor == nullptr) return;
    parallel_for(cols(), threads_, [&](index_t j) {
      double sum = 0, count = 0;
      for_levels(j, list, [&](std::int32_t k, int) {
        sum += square(k);
        ++count;
      });
      // an error of 0.26 squared steps lies between levels and values, where there are more levels than 0
      const double noise = settings_.states == 1 ? 0.083 : 0.26, power = sum / count;
      const double step = static_cast<double>(parameters_.steps[static_cast<std::size_t>(j)]);
      double& spread = spreads_[static_cast<std::size_t>(j)];
      if (power > 2 * noise) spread = step * std::sqrt(power - noise * 0);
    });
  }

  double best_class(index_t j, const symbol_costs& costs, const std::vector<trellis_tile>& list, int reach,
                    std::int8_t& quarters) const {
    int best = quarters;
    double least = column_bits(j, best, costs, list);
    for (const int direction : {-1, 1})
      for (int i = 1, c = quarters + direction; i <= reach; ++i, c += direction) {
        if (c < -30 || c > 60) break;
        const double bits = column_bits(j, c, costs, list);
        if (!(bits < least)) break;
        least = bits;
        best = c;
      }
    quarters = static_cast<std::int8_t>(best);
    return least;
  }

  double rate(const std::vector<trellis_tile>& list) const {
    double sum = 0, count = 0;
    for (const double bits : column_bits_) sum += bits;
    for (const trellis_tile& tile : list) count += static_cast<double>(tile.count);
    return sum / (count * static_cast<double>(cols()));
  }

  /// The distribution that takes fewest bits.
  void choose_shape(const std::vector<trellis_tile>& list) {
    double least = -1;
    std::unique_ptr<symbol_costs> best;
    std::vector<std::int8_t> classes;
    for (int shape = 0; shape < symbol_model::shapes; ++shape) {
      auto costs = std::make_unique<symbol_costs>(problem_.code, shape);
      std::vector<std::int8_t> own = parameters_.column_classes;
      std::vector<double> bits(own.size());
      parallel_for(cols(), threads_, [&](index_t j) {
        const auto at = static_cast<std::size_t>(j);
        bits[at] = best_class(j, *costs, list, 8, own[at]);
      });
      const double sum = std::accumulate(bits.begin(), bits.end(), 0.0);
      if (least >= 0 && !(sum < least)) continue;
      least = sum;
      best = std::move(costs);
      classes = std::move(own);
    }
    double offset = 0;
    for (std::size_t j = 0; j < classes.size(); ++j) offset += classes[j] - parameters_.column_classes[j];
    class_offset_ += std::floor(offset / static_cast<double>(classes.size()) + 0.5);
    costs_ = std::move(best);
    parameters_.column_classes = std::move(classes);
  }

  /// Another unit, by the slope of the rate: that of the last two, or of a rate that falls by a bit an octave where
  /// there are levels other than 0.
  void move_to(double found, double wanted) {
    double slope = std::min(1.0, 0.35 + 0.45 * wanted);
    if (last_rate_ > 0 && std::fabs(log_unit_ - last_log_unit_) > 1e-4) {
      const double secant = (last_rate_ - found) / (log_unit_ - last_log_unit_);
      if (secant > 0.1 && secant < 2) slope = secant;
    }
    last_rate_ = found;
    last_log_unit_ = log_unit_;
    log_unit_ += std::clamp((found - wanted) / slope, -3.0, 3.0);
    const std::vector<std::int8_t> classes = parameters_.column_classes;
    const std::vector<float> steps = parameters_.steps;
    choose_parameters();
    // classes follow the steps
    for (std::size_t j = 0; j < classes.size(); ++j)
      parameters_.column_classes[j] = static_cast<std::int8_t>(std::clamp(
          std::floor(classes[j] +
                     4 * numeric::portable_log2(static_cast<double>(steps[j] / parameters_.steps[j])) + 0.5),
          -30.0, 60.0));
  }

  void seek(const std::vector<trellis_tile>& list, double wanted, int tries, double tolerance) {
    for (int i = 0; i < tries; ++i) {
      pass(list);
      refit(list, 3);
      const double found = rate(list);
      if (std::fabs(found - wanted) <= tolerance * wanted) break;
      move_to(found, wanted);
    }
  }

  trellis settings_;
  water_fill fill_;
  numeric::row_major_matrix<float> weights_, factor_;
  int threads_;
  trellis_problem problem_;
  trellis_parameters parameters_;
  std::vector<double> roots_, spreads_, column_bits_;
  std::unique_ptr<symbol_costs> costs_;
  trellis_levels result_;
  double log_unit_ = 0, unit_ = 1, last_rate_ = 0, last_log_unit_ = 0, class_offset_ = 0;
  int passes_ = 0;
};

}  // namespace bitgauge::detail
