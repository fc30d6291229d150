#pragma once

/// \file
/// Activations laid out for kernels as floats.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/activations/activations.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstddef>

namespace bitgauge::kernel {

/// The nearest bfloat16.
inline float rounded_to_bfloat16(float x) noexcept {
  return numeric::bfloat16_to_float(numeric::bfloat16_from_float(x));
}

/// Lays out the samples of a tile as floats, and where few are multiplied their sums by group; `rounded`: to bfloat16.
inline void pack_floats(const weights_view& w, const row_source& x, index_t first, index_t tile, bool rounded,
                        packed_activations& to, tile_scratch& scratch) {
  const tile_shares shares = to.shares();
  const index_t width = shares.width(tile), begin = shares.begin(tile);
  const row_source::panel rows = x.read(first + begin, width, scratch.rows);
  const bool lie_alike = w.groups == 1 || w.group % unit_columns == 0;
  if (lie_alike && !rounded && w.column_scales == nullptr && to.samples > packed_float_samples) {
    for (index_t unit = 0; unit < w.units; unit += exact_units) {
      const index_t column = unit * unit_columns, units = std::min(exact_units, w.units - unit);
      const index_t columns = std::min(units * unit_columns, w.cols - column);
      float* const out = to.floats.data() + place_of_tile(unit, units, to.samples, begin);
      simd::transpose(rows.data + column, rows.stride, columns, width, out, width, false);
      std::fill_n(out + columns * width, (units * unit_columns - columns) * width, 0.0f);
    }
    return;
  }
  for (index_t j = 0; j < width; ++j) {
    const float* const row =
        scale_columns(w, rows.row(j), scratch, to.column_terms[static_cast<std::size_t>(begin + j)]);
    for (index_t g = 0; g < w.groups; ++g) {
      const float* const from = row + g * w.group;
      const index_t columns = w.columns_of(g);
      float sum = 0;
      for (index_t c = 0; c < columns; c += unit_columns) {
        const index_t unit = g * w.group_units + c / unit_columns, part = unit / exact_units * exact_units;
        float* const out = to.floats.data() +
                           place_of_tile(part, std::min(exact_units, w.units - part), to.samples, begin) +
                           (unit - part) * unit_columns * width + j;
        for (index_t i = 0; i < unit_columns; ++i) {
          float value = c + i < columns ? from[c + i] : 0.0f;
          if (rounded) value = rounded_to_bfloat16(value);
          out[i * width] = value;
          sum += value;
        }
      }
      to.group_sums[static_cast<std::size_t>((begin * w.groups) + g * width + j)] = sum;
    }
  }
}

}  // namespace bitgauge::kernel
