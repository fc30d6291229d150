#pragma once

/// \file
/// From a matrix to levels of a trellis at a given number of bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/rounding/trellis/bit_targets.hpp>
#include <bitgauge/rounding/trellis/class_fit.hpp>
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
  numeric::row_major_matrix<std::int32_t> levels;  ///< a row for each column
  float unit = 0;
  std::vector<std::int8_t> step_exponents, column_classes, row_classes;
  int shape = 0;
  double bits = 0;  ///< of symbols a weight, by their models
};

/// Chooses steps and classes for a rate: passes over some rows until the rate is met, then over all.
class trellis_run {
 public:
  /// `weights`: a row for each column of the matrix in the order of processing; `importance`: how much squared errors
  /// of each count, where there is no feedback; 0 for columns that do not matter.
  /// `factor`: R, or empty; `bit_costs`: A, what of R R^T is the price of bits (rate_factor), in the order of processing.
  trellis_run(const trellis& settings, numeric::row_major_matrix<float> weights,
              std::vector<double> importance, numeric::row_major_matrix<float> factor,
              const std::vector<double>& bit_costs, int threads)
      : settings_(settings),
        fill_(settings.states),
        weights_(std::move(weights)),
        factor_(std::move(factor)),
        threads_(threads) {
    problem_.weights = &weights_;
    problem_.factor = factor_.rows() > 0 ? &factor_ : nullptr;
    problem_.code = trellis_code(settings.states);
    if (problem_.factor != nullptr) {
      targets_ = bit_targets(weights_, factor_, bit_costs, threads);
      problem_.targets = &targets_;
    }
    set_roots(std::move(importance), bit_costs);
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

  /// The levels at `bits` of symbols a weight, near enough that a second call, which begins where the last ended, can
  /// make up for the rest: `found.bits` of the result says what they are. The result is valid until the next call.
  const trellis_levels& run(double bits) {
    const std::vector<trellis_tile> all = tiles(settings_.tile_rows, 1);
    if (!costs_) {
      result_.levels.resize(cols(), rows());
      costs_ = std::make_unique<symbol_costs>(symbol_costs::unprepared(problem_.code, 0));
      if (!start(bits)) return nothing();
      // Rates hardly depend on the height of tiles: short ones from all over the matrix stand for it.
      constexpr index_t few_rows = 512, height = 32;
      const std::vector<trellis_tile> some = rows() >= 2 * few_rows ? tiles(height, rows() / few_rows) : all;
      seek(some, bits, 2, 0.02);
      choose_shape(some);
      seek(some, bits, 6, 0.001);
    } else if (result_.bits > 0) {
      move_to(result_.bits, bits);
    }
    result_.bits = pass(all, 2);
    ++passes_;
    result_.unit = static_cast<float>(unit_);
    result_.column_classes = parameters_.column_classes;
    result_.row_classes = parameters_.row_classes;
    result_.shape = costs_->shape();
    return result_;
  }

 private:
  static double square(double x) { return x * x; }
  /// The class nearest to a number of quarters of an octave.
  static std::int8_t class_at(double quarters, double least, double most) {
    return static_cast<std::int8_t>(std::clamp(std::floor(quarters + 0.5), least, most));
  }
  /// Of columns.
  static std::int8_t column_class_at(double quarters) {
    return class_at(quarters, coded_columns::least_class, coded_columns::most_class);
  }

  /// A first unit. False where all weights are 0, or none matters.
  bool start(double bits) {
    double level = 0, count = 0;
    for (std::size_t j = 0; j < roots_.size(); ++j)
      if (roots_[j] * spreads_[j] > 0) {
        level += numeric::portable_log2(roots_[j] * spreads_[j]);
        ++count;
      }
    if (count == 0) return false;
    // the rate of a normal distribution is log2(spread / step) + 1.03 with a trellis, 2.05 without
    log_unit_ = level / count + (settings_.states == 1 ? 2.05 : 1.03) - bits;
    choose_parameters();
    return true;
  }

  const trellis_levels& nothing() {
    result_.levels.fill(0);
    result_.unit = 1;
    result_.step_exponents.assign(roots_.size(), 0);
    result_.column_classes.assign(roots_.size(), symbol_model::least_class);
    result_.row_classes = parameters_.row_classes;
    return result_;
  }

  /// Roots of what errors of columns count, of geometric mean 1. R_jj^2 (x - q)^2 has the price of bits in it, which
  /// the search for paths sets itself; without, it is (R_jj^2 - A_j) (gain x - q)^2.
  void set_roots(std::vector<double> importance, const std::vector<double>& bit_costs) {
    roots_.resize(static_cast<std::size_t>(cols()));
    double sum = 0, count = 0;
    for (std::size_t j = 0; j < roots_.size(); ++j) {
      const auto at = static_cast<index_t>(j);
      double weight = importance[j];
      if (problem_.factor != nullptr) {
        const double whole = square(static_cast<double>(factor_(at, at)));
        weight = std::max(0.0, whole - bit_costs[j]);
        if (weight < 1e-4 * whole) weight = 0;
        problem_.gains.push_back(weight > 0 ? static_cast<float>(whole / weight) : 0.0f);
      }
      roots_[j] = std::sqrt(weight);
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
      parameters_.row_classes[r] =
          sums[r] > 0 ? class_at(4 * (numeric::portable_log2(sums[r]) - level / count), -16, 16)
                      : std::int8_t{-16};
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
      // once all rows have been through a pass the unit alone moves, by little, so that rates do not jump
      if (passes_ == 0)
        result_.step_exponents[j] =
            static_cast<std::int8_t>(matters ? fill_.step_exponent(roots_[j], spreads_[j], unit_) : 0);
      const int exponent = result_.step_exponents[j];
      const float step = trellis_step(static_cast<float>(unit_), exponent);
      parameters_.steps[j] = step;
      parameters_.lambdas[j] =
          matters ? fill_.lambda(square(roots_[j] * static_cast<double>(step) / unit_)) : 1e6f;
      const double ratio = spreads_[j] / static_cast<double>(step);
      parameters_.column_classes[j] = ratio > 0 ? column_class_at(4 * numeric::portable_log2(ratio))
                                                : static_cast<std::int8_t>(symbol_model::least_class);
    }
  }

  /// Looks up the classes of all elements, and those that columns may move to.
  void prepare(symbol_costs& costs, int reach) const {
    const auto [least, most] =
        std::minmax_element(parameters_.column_classes.begin(), parameters_.column_classes.end());
    const auto [lowest, highest] =
        std::minmax_element(parameters_.row_classes.begin(), parameters_.row_classes.end());
    costs.prepare(*least + *lowest - reach, *most + *highest + reach);
    costs.prepare(0, 0);  // that of lanes without an element
  }

  /// A pass, after which classes are fitted anew, within `reach`; returns the bits a weight.
  double pass(const std::vector<trellis_tile>& list, int reach) {
    prepare(*costs_, reach);
    const std::vector<double> squares =
        trellis_pass(problem_, *costs_, parameters_, list, threads_, result_.levels);
    const coded_columns coded(result_.levels, parameters_.row_classes, list);
    const std::vector<double> bits = coded.fit(*costs_, reach, threads_, parameters_.column_classes);
    if (problem_.factor != nullptr)  // errors fed back widen a column
      for (std::size_t j = 0; j < squares.size(); ++j)
        spreads_[j] = static_cast<double>(parameters_.steps[j]) * std::sqrt(squares[j] / coded.count());
    return std::accumulate(bits.begin(), bits.end(), 0.0) / (coded.count() * static_cast<double>(cols()));
  }

  /// The distribution that takes fewest bits.
  void choose_shape(const std::vector<trellis_tile>& list) {
    const coded_columns coded(result_.levels, parameters_.row_classes, list);
    double least = -1;
    std::unique_ptr<symbol_costs> best;
    std::vector<std::int8_t> classes;
    for (int shape = 0; shape < symbol_model::shapes; ++shape) {
      auto costs = std::make_unique<symbol_costs>(symbol_costs::unprepared(problem_.code, shape));
      constexpr int reach = 8;
      prepare(*costs, reach);
      std::vector<std::int8_t> own = parameters_.column_classes;
      const std::vector<double> bits = coded.fit(*costs, reach, threads_, own);
      const double sum = std::accumulate(bits.begin(), bits.end(), 0.0);
      if (least >= 0 && !(sum < least)) continue;
      least = sum;
      best = std::move(costs);
      classes = std::move(own);
    }
    costs_ = std::move(best);
    parameters_.column_classes = std::move(classes);
  }

  /// Another unit, by the slope of the rate: that of the last two, or of a rate that falls by a bit an octave where
  /// there are levels other than 0.
  void move_to(double found, double wanted) {
    if (slope_ == 0) slope_ = std::min(1.0, 0.35 + 0.45 * wanted);
    if (last_rate_ > 0 && std::fabs(log_unit_ - last_log_unit_) > 0.02) {
      const double secant = (last_rate_ - found) / (log_unit_ - last_log_unit_);
      if (secant > 0.1 && secant < 2) slope_ = secant;
    }
    last_rate_ = found;
    last_log_unit_ = log_unit_;
    log_unit_ += std::clamp((found - wanted) / slope_, -3.0, 3.0);
    const std::vector<std::int8_t> classes = parameters_.column_classes;
    const std::vector<float> steps = parameters_.steps;
    choose_parameters();
    // classes follow the steps
    for (std::size_t j = 0; j < classes.size(); ++j)
      parameters_.column_classes[j] = column_class_at(
          classes[j] + 4 * numeric::portable_log2(static_cast<double>(steps[j] / parameters_.steps[j])));
  }

  void seek(const std::vector<trellis_tile>& list, double wanted, int tries, double tolerance) {
    for (int i = 0; i < tries; ++i) {
      const double found = pass(list, 3);
      if (std::fabs(found - wanted) <= tolerance * wanted) break;
      move_to(found, wanted);
    }
  }

  trellis settings_;
  water_fill fill_;
  numeric::row_major_matrix<float> weights_, factor_, targets_;
  int threads_;
  trellis_problem problem_;
  trellis_parameters parameters_;
  std::vector<double> roots_, spreads_;
  std::unique_ptr<symbol_costs> costs_;
  trellis_levels result_;
  double log_unit_ = 0, unit_ = 1, last_rate_ = 0, last_log_unit_ = 0, slope_ = 0;
  int passes_ = 0;
};

}  // namespace bitgauge::detail
