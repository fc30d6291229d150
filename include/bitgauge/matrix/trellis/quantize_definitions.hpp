#pragma once

/// \file
/// What quantize.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/trellis/quantize.hpp>
#include <bitgauge/matrix/trellis/trellis_chooser.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>

#include <algorithm>

namespace bitgauge::detail {

/// What is stored, without what fills up.
inline index_t bytes_in_use(const trellis_matrix& q) {
  return q.side_bytes() - q.levels().side_bytes() + static_cast<index_t>(q.levels().bytes().size());
}

/// True where every level can be encoded.
inline bool can_encode(const trellis_codes& codes) {
  const auto is_beyond = [](auto level) {
    return level < -packing::level_model::most_level || level > packing::level_model::most_level;
  };
  return !std::any_of(codes.codes.data(), codes.codes.data() + codes.codes.size(), is_beyond);
}

BITGAUGE_DEFINE trellis_matrix quantize_to_size(const row_source& rows, const trellis& settings,
                                                index_t bytes, const trellis_inputs& inputs) {
  const index_t m = rows.rows(), n = rows.cols();
  settings.check();
  if (inputs.hessian != nullptr && inputs.hessian->inputs() != n)
    raise_message<shape_error>({"trellis: expected a Hessian of ", n,
                                " inputs, one for each column of the matrix, found ",
                                inputs.hessian->inputs()});
  const importance& weights = inputs.column_weights;
  check_importance(weights, m, n);
  if (weights.matrices != 1)
    raise_message<invalid_scheme>({"trellis: importance: expected one weight a column, found those of ",
                                   weights.matrices, " matrices"});
  if (m * n == 0) {
    trellis_codes none;
    none.codes.resize(m, n);
    none.step_exponents.resize(static_cast<std::size_t>(n));
    return trellis_matrix(none, bytes);
  }
  work_monitor monitor(inputs.options, m * n);
  monitor.check();
  trellis_chooser chooser(rows, settings, inputs.hessian, weights.weights, inputs.options.threads);
  // What stands beside symbols, and what the coder's own models gain, is an estimate first, then as it was found.
  const double elements = static_cast<double>(m) * static_cast<double>(n);
  const double wanted = 8 * static_cast<double>(bytes) / elements;
  const double beside = 8 * (120 + 0.9 * static_cast<double>(n) + static_cast<double>(m) / 4) / elements;
  double aim = 0.9993 * wanted, bits = std::max(aim - beside, 0.3 * aim);
  trellis_matrix best;
  double found = 0;
  bool all_beyond = true;
  for (int attempt = 0; attempt < 8 && found < (attempt < 3 ? 0.998 : 0.995) * wanted && bits > 0;
       ++attempt) {
    const trellis_codes codes = chooser.choose(bits);
    monitor.check();
    if (!can_encode(
            codes)) {  // a matrix so small or so sparse that its bytes would hold more than levels can
      bits = std::min(bits / 2, 12.0);
      continue;
    }
    all_beyond = false;
    trellis_matrix q(codes, bytes);
    const double real = 8 * static_cast<double>(bytes_in_use(q)) / elements;
    if (real <= wanted && real > found) {
      found = real;
      best = q;
    }
    if (chooser.bits() == 0) break;
    bits = chooser.bits() + aim - real;
    aim -= 0.0003 * wanted;
  }
  if (found == 0 && all_beyond)
    raise_message<data_error>({"trellis: expected levels up to ", packing::level_model::most_level,
                               ", found larger ones: the weights of ", m, " x ", n,
                               " are too few, too small, or differ too much",
                               " (choose another format, or scale them)"});
  if (found == 0)
    raise_message<data_error>({"trellis: expected ", bytes, " bytes to hold levels of ", m, " x ", n,
                               " weights, found that they do not (choose more bits)"});
  if (settings.report != nullptr) {
    settings.report->bits = found;
    settings.report->damping = chooser.damping();
    settings.report->passes = chooser.passes();
  }
  monitor.advance(m * n);
  return best;
}

}  // namespace bitgauge::detail
