#pragma once

/// \file
/// A matrix to levels of a trellis.

#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/matrix/trellis/trellis_codes.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/trellis/damping.hpp>
#include <bitgauge/rounding/trellis/trellis_options.hpp>
#include <bitgauge/rounding/trellis/trellis_run.hpp>

#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Levels for `rows` at the rate of `settings`, of which `side` bits a weight are left for what is stored beside
/// symbols. `h`: the Hessian of the layer's inputs, or null; `importance`: a number from 0 up a column, or none.
inline trellis_codes choose_trellis_codes(const row_source& rows, const trellis& settings, const hessian* h,
                                          std::span<const float> importance, double side, int threads) {
  settings.check();
  const serial_products serial;
  const index_t m = rows.rows(), n = rows.cols();
  std::vector<index_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), index_t{0});
  std::vector<double> counts(order.size(), 1.0);
  numeric::row_major_matrix<float> triangle(0, 0);
  std::vector<bool> dead(order.size());
  double damping = 0;
  if (h != nullptr) {
    const feedback_factor<double> f =
        factor_for_rate(*h, settings.bits, settings.damping, settings.act_order, threads);
    order = f.order;
    damping = f.damping;
    for (const index_t c : f.dead) dead[static_cast<std::size_t>(c)] = true;
    triangle.resize(n, n);
    for (index_t j = 0; j < n; ++j)
      for (index_t i = 0; i < n; ++i) triangle(i, j) = static_cast<float>(f.upper(i, j));
  } else if (!importance.empty()) {
    for (std::size_t j = 0; j < counts.size(); ++j) counts[j] = static_cast<double>(importance[j]);
  }
  numeric::row_major_matrix<float> weights(n, m);
  std::vector<float> scratch;
  for (index_t r = 0; r < m; ++r) {
    const auto panel = rows.read(r, 1, scratch);
    for (index_t i = 0; i < n; ++i) {
      const index_t c = order[static_cast<std::size_t>(i)];
      weights(i, r) = dead[static_cast<std::size_t>(c)] ? 0 : panel.row(0)[c];
    }
  }
  trellis_run run(settings, std::move(weights), std::move(counts), std::move(triangle), threads);
  const trellis_levels found = run.run(settings.bits - side);
  trellis_codes codes;
  codes.states = settings.states;
  codes.shape = found.shape;
  codes.tile_rows = settings.tile_rows;
  codes.unit = found.unit;
  codes.step_exponents.resize(order.size());
  codes.column_classes.resize(order.size());
  codes.row_classes = found.row_classes;
  codes.codes.resize(m, n);
  for (index_t i = 0; i < n; ++i) {
    const auto from = static_cast<std::size_t>(i), to = static_cast<std::size_t>(order[from]);
    codes.step_exponents[to] = found.step_exponents[from];
    codes.column_classes[to] = found.column_classes[from];
    bool empty = true;
    for (index_t r = 0; r < m; ++r) {
      codes.codes(r, order[from]) = found.levels(i, r);
      empty = empty && found.levels(i, r) == 0;
    }
    if (empty) codes.column_classes[to] = trellis_codes::empty_column;
  }
  if (settings.report != nullptr) {
    settings.report->bits = found.bits / static_cast<double>(m * n) + side;
    settings.report->damping = damping;
    settings.report->passes = run.passes();
    settings.report->shape = found.shape;
  }
  return codes;
}

}  // namespace bitgauge::detail
