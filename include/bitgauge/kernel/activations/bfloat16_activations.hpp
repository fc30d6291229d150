#pragma once

/// \file
/// Activations laid out as bfloat16 in rows, see rows.hpp.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/activations/activations.hpp>
#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace bitgauge::kernel {

/// Room for a call's tiles of bfloat16.
inline void reserve_bfloat16(const weights_view& w, index_t samples, packed_activations& to) {
  const index_t columns = (w.units * unit_columns + bfloat16_step - 1) / bfloat16_step * bfloat16_step;
  to.samples = samples;
  detail::resized(to.bfloats, samples * columns);
  detail::resized(to.column_terms, samples);
}

/// Lays out the samples of a tile as bfloat16 in rows, row_units together.
inline void pack_bfloat16(const weights_view& w, const row_source& x, index_t first, index_t tile,
                          const product_operations& steps, packed_activations& to, tile_scratch& scratch) {
  constexpr index_t step = bfloat16_step, part_steps = row_units * unit_columns / step;
  const index_t width = to.shares().width(tile), begin = to.shares().begin(tile);
  const row_source::panel rows = x.read(first + begin, width, scratch.rows);
  const index_t all_steps = (w.units * unit_columns + step - 1) / step;
  std::uint16_t* const rounded = detail::resized(scratch.bfloats, all_steps * step);
  for (index_t j = 0; j < width; ++j) {
    const float* const row =
        scale_columns(w, rows.row(j), scratch, to.column_terms[static_cast<std::size_t>(begin + j)]);
    std::uint16_t* end = rounded;
    for (index_t g = 0; g < w.groups; ++g) {
      const index_t columns = w.columns_of(g),
                    filled = (columns + unit_columns - 1) / unit_columns * unit_columns;
      steps.round_row(row + g * w.group, columns, end);
      std::fill(end + columns, end + filled, std::uint16_t{0});
      end += filled;
    }
    std::fill(end, rounded + all_steps * step, std::uint16_t{0});
    for (index_t part = 0; part < all_steps; part += part_steps) {
      const index_t count = std::min(part_steps, all_steps - part);
      const row_place place = place_in_rows(part, count, step, to.samples, begin, width, j);
      for (index_t i = 0; i < count; ++i)
        std::memcpy(to.bfloats.data() + place.first + i * place.stride, rounded + (part + i) * step,
                    static_cast<std::size_t>(step) * sizeof *rounded);
    }
  }
}

}  // namespace bitgauge::kernel
