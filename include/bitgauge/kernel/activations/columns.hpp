#pragma once

/// \file
/// Some columns of packed weights, packed again.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/pack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>

namespace bitgauge::kernel {

/// Makes `to` the columns `columns` of `w`, weights of 8 bits with one group a row; it reads w's scales, which have
/// to stay. Cost: a cache line for each 16 rows of a column. Fetches no memory where `to` has held as many.
inline void gather_columns(const weights_view& w, std::span<const index_t> columns, packed_data& to,
                           int threads) {
  weights_view& part = to.view;
  part = w;
  part.cols = part.group = std::ssize(columns);
  part.units = part.group_units = (part.cols + unit_columns - 1) / unit_columns;
  to.used = w.panels * part.units * unit_fields;
  std::uint8_t* const fields = to.memory.reserve(static_cast<std::size_t>(to.used));
  part.fields = fields;
  constexpr index_t together = 16;  // panels of an item
  parallel_for((w.panels + together - 1) / together, threads, [&](index_t item) {
    for (index_t p = item * together; p < std::min(w.panels, (item + 1) * together); ++p)
      for (index_t u = 0; u < part.units; ++u) {
        std::uint8_t* const unit = fields + (p * part.units + u) * unit_fields;
        std::memset(unit, 0, unit_fields);
        for (index_t j = 0; j < std::min(unit_columns, part.cols - u * unit_columns); ++j) {
          const index_t column = columns[static_cast<std::size_t>(u * unit_columns + j)];
          const std::uint8_t* const from = w.unit(p, column / unit_columns);
          for (index_t r = 0; r < panel_rows; ++r)
            unit[place_in_unit(r, j)] = from[place_in_unit(r, column % unit_columns)];
        }
      }
  });
}

}  // namespace bitgauge::kernel
