#pragma once

/// \file
/// Products of weights that are unpacked to floats or bfloat16.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/product/product_scratch.hpp>

#include <algorithm>
#include <cstddef>

namespace bitgauge::kernel::detail {

/// Some panels times all samples of a call.
template <class Value>
struct value_job {
  const weights_view& w;
  index_t first_panel, panels;
  tile_shares samples;
  const Value* x;  ///< tiles, chunk after chunk
  float* y;        ///< y[sample * 16 * panels + row] grows
};

/// Panels are unpacked by `unpack(panel, first unit, units, out)` to `weights`, `together` units at once. Steps of
/// `step` columns are whole.
template <class Value, class Unpack>
void multiply_values(const value_job<Value>& job, index_t together, index_t step,
                     bitgauge::detail::aligned_buffer<Value>& weights, const Unpack& unpack,
                     void (*multiply)(const value_tile<Value>&)) {
  const weights_view& w = job.w;
  const index_t most = together * unit_fields;
  Value* const values = weights.reserve(static_cast<std::size_t>(job.panels * most));
  for (index_t unit = 0; unit < w.units; unit += together) {
    const index_t units = std::min(together, w.units - unit);
    value_tile<Value> tile{};
    tile.columns = (units * unit_columns + step - 1) / step * step;
    tile.y_stride = job.panels * panel_rows;
    for (index_t p = 0; p < job.panels; ++p) unpack(job.first_panel + p, unit, units, values + p * most);
    const bool last = unit + units == w.units;
    const index_t next = last ? 0 : unit + units;
    const upcoming_fields upcoming(w, last ? job.first_panel + job.panels : job.first_panel, job.panels, next,
                                   std::min(together, w.units - next),
                                   job.samples.count() * job.panels / tile_panels, units, true);
    for_each_tile(job.panels, job.samples, upcoming, [&](index_t p, index_t t, const upcoming_memory&) {
      for (index_t i = 0; i < tile_panels; ++i) tile.weights[i] = values + (p + i) * most;
      const index_t begin = job.samples.begin(t);
      tile.samples = job.samples.width(t);
      tile.x = job.x + unit * unit_columns * job.samples.samples() + tile.columns * begin;
      tile.y = job.y + begin * tile.y_stride + p * panel_rows;
      multiply(tile);
    });
  }
}

}  // namespace bitgauge::kernel::detail
