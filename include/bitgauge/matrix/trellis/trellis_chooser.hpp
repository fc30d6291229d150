#pragma once

/// \file
/// A matrix to levels of a trellis.

#include <bitgauge/matrix/fit/finite_rows.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/matrix/trellis/trellis_codes.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/trellis/damping.hpp>
#include <bitgauge/rounding/trellis/trellis_options.hpp>
#include <bitgauge/rounding/trellis/trellis_run.hpp>

#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Chooses levels for one matrix at several rates: what does not depend on the rate is done once.
class trellis_chooser {
 public:
  /// `h`: the Hessian of the layer's inputs, or null; `importance`: a number from 0 up a column, or none. Raises data_error
  /// for weights that are not finite.
  trellis_chooser(const row_source& rows, const trellis& settings, const hessian* h,
                  std::span<const float> importance, int threads)
      : settings_(settings), order_(static_cast<std::size_t>(rows.cols())) {
    settings.check();
    const serial_products serial;
    const index_t m = rows.rows(), n = rows.cols();
    std::iota(order_.begin(), order_.end(), index_t{0});
    std::vector<double> counts(order_.size(), 1.0), bit_costs;
    numeric::row_major_matrix<float> triangle(0, 0);
    std::vector<bool> dead(order_.size());
    if (h != nullptr) {
      rate_factor rated = factor_for_rate(*h, settings, variances(rows), threads);
      feedback_factor<double>& f = rated.factor;
      bit_costs = std::move(rated.bit_costs);
      order_ = std::move(f.order);
      damping_ = f.damping;
      for (const index_t c : f.dead) dead[static_cast<std::size_t>(c)] = true;
      triangle.resize(n, n);
      for (index_t j = 0; j < n; ++j)
        for (index_t i = 0; i < n; ++i) triangle(i, j) = static_cast<float>(f.upper(i, j));
    } else if (!importance.empty()) {
      for (std::size_t j = 0; j < counts.size(); ++j) counts[j] = static_cast<double>(importance[j]);
    }
    numeric::row_major_matrix<float> weights(n, m);
    constexpr index_t height = 16;  // rows that fill a cache line of what they are transposed to
    std::vector<float> panel(static_cast<std::size_t>(height * n));
    for (index_t first = 0; first < m; first += height) {
      const index_t count = std::min(height, m - first);
      read_finite_rows(rows, first, count, false, panel.data());
      for (index_t i = 0; i < n; ++i) {
        const index_t c = order_[static_cast<std::size_t>(i)];
        const bool is_dead = dead[static_cast<std::size_t>(c)];
        for (index_t r = 0; r < count; ++r)
          weights(i, first + r) = is_dead ? 0 : panel[static_cast<std::size_t>(r * n + c)];
      }
    }
    run_ = std::make_unique<trellis_run>(settings, std::move(weights), std::move(counts), std::move(triangle),
                                         bit_costs, threads);
  }

  /// Levels whose symbols take about `bits` a weight: bits() says what they do by their models. Each call is one pass
  /// over the matrix, the first some more over parts of it.
  trellis_codes choose(double bits) {
    const trellis_levels& found = run_->run(bits);
    bits_ = found.bits;
    const index_t m = found.levels.cols(), n = found.levels.rows();
    trellis_codes codes;
    codes.states = settings_.states;
    codes.tile_rows = settings_.tile_rows;
    codes.unit = found.unit;
    codes.step_exponents.resize(order_.size());
    codes.column_classes.resize(order_.size());
    codes.row_classes = found.row_classes;
    codes.codes.resize(m, n);
    for (index_t i = 0; i < n; ++i) {
      const auto from = static_cast<std::size_t>(i), to = static_cast<std::size_t>(order_[from]);
      codes.step_exponents[to] = found.step_exponents[from];
      codes.column_classes[to] = found.column_classes[from];
      for (index_t r = 0; r < m; ++r) codes.codes(r, order_[from]) = found.levels(i, r);
    }
    return codes;
  }
  double bits() const noexcept { return bits_; }
  int passes() const { return run_->passes(); }
  double damping() const noexcept { return damping_; }

 private:
  /// Mean squares of columns.
  static std::vector<double> variances(const row_source& rows) {
    std::vector<double> sums(static_cast<std::size_t>(rows.cols()));
    std::vector<float> row(sums.size());
    for (index_t r = 0; r < rows.rows(); ++r) {
      read_finite_rows(rows, r, 1, false, row.data());
      for (std::size_t c = 0; c < sums.size(); ++c)
        sums[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
    }
    for (double& sum : sums) sum /= static_cast<double>(rows.rows());
    return sums;
  }

  trellis settings_;
  std::vector<index_t> order_;
  std::unique_ptr<trellis_run> run_;
  double bits_ = 0, damping_ = 0;
};

}  // namespace bitgauge::detail
