#pragma once

/// \file
/// What quantize_trellis.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/finite_rows.hpp>
#include <bitgauge/matrix/row_matrix.hpp>
#include <bitgauge/matrix/trellis/choose_codes.hpp>
#include <bitgauge/matrix/trellis/quantize_trellis.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>

#include <algorithm>
#include <span>

namespace bitgauge::detail {

BITGAUGE_DEFINE trellis_matrix quantize_trellis(const row_source& rows, const trellis_scheme& s,
                                                const hessian* h, const importance& weights,
                                                const options& o) {
  const index_t m = rows.rows(), n = rows.cols(), budget = storage_bytes(s, m, n);
  if (s.rounding == rounding_kind::gptq && h == nullptr)
    raise(invalid_scheme("trellis: rounding=gptq: expected calibration data, found none: pass a hessian"));
  if (s.rounding != rounding_kind::gptq && h != nullptr)
    raise(invalid_scheme("trellis: a Hessian has no effect: leave it out, or write rounding=gptq"));
  if (h != nullptr && h->inputs() != n)
    raise_message<shape_error>({"trellis: expected a Hessian of ", n, " inputs, found ", h->inputs()});
  check_importance(weights, m, n);
  if (!weights.weights.empty() && weights.matrices != 1)
    raise_message<invalid_scheme>({"trellis: importance: expected one weight a column, found those of ",
                                   weights.matrices, " matrices"});
  row_matrix finite(m, n);
  work_monitor monitor(o, m * n);
  monitor.check();
  for (index_t r = 0; r < m; ++r) read_finite_rows(rows, r, 1, false, finite.data() + r * n);
  const row_source values(finite.data(), m, n, n, 1);
  const double elements = static_cast<double>(std::max<index_t>(m * n, 1));
  trellis settings{.bits = 8 * static_cast<double>(budget) / elements, .states = s.states};
  settings.bits = std::min(settings.bits, 12.0);
  // what stands beside symbols: first as an estimate, then as it was found
  double side = std::min(0.5 * settings.bits,
                         8.0 * (100 + 1.3 * static_cast<double>(n) + static_cast<double>(m) / 2) / elements);
  trellis_matrix best;
  index_t most = 0;  // bytes that `best` needs
  for (int attempt = 0; attempt < 6 && m * n > 0 && settings.bits - side > 0.01; ++attempt) {
    const trellis_codes codes = choose_trellis_codes(values, settings, h, weights.weights, side, o.threads);
    monitor.check();
    const trellis_matrix found(codes, 0);
    const index_t bytes = found.storage_bytes();
    if (bytes <= budget && bytes > most) {
      most = bytes;
      best = trellis_matrix(codes, budget);
    }
    const double left = 8.0 * static_cast<double>(budget - bytes) / elements, share = left / settings.bits;
    if (most > 0 && (share < 0.0025 || attempt > 2)) break;
    side += 0.001 * settings.bits - left;
  }
  if (most == 0 && m * n > 0)
    raise_message<data_error>({"trellis: expected ", budget, " bytes to hold levels of ", m, " x ", n,
                               " weights, found that they do not: choose more bits"});
  monitor.advance(m * n);
  return m * n > 0 ? best : trellis_matrix(trellis_codes{}, budget);
}

}  // namespace bitgauge::detail
