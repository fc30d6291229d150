#pragma once

/// \file
/// Sums of a product before they are written: what they begin with, and what is done to them in the end.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/activations/activations.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/product/product_target.hpp>
#include <bitgauge/kernel/product_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>

namespace bitgauge::kernel::detail {

/// Rows of panels, as sums lie: y[sample * rows_of(panels) + row].
constexpr index_t rows_of(index_t panels) noexcept {
  return panels * panel_rows;
}

/// The sums of `samples` samples from number `first` of a call on.
struct product_sums {
  const weights_view& w;
  const product_options& options;
  const packed_activations& x;
  const product_target& target;
  index_t first, samples;

  /// What `panels` panels begin with: biases, or nothing where sums are scaled in the end.
  void start(index_t first_panel, index_t panels, float* y) const {
    for (index_t s = 0; s < samples; ++s, y += rows_of(panels)) {
      std::memset(y, 0, static_cast<std::size_t>(rows_of(panels)) * sizeof *y);
      if (!x.unscaled) add_biases(first_panel, panels, s, y);
    }
  }

  /// Writes `panels` panels, scaled where they are not yet.
  void store(index_t first_panel, index_t panels, float* y) const {
    const index_t first_row = first_panel * panel_rows;
    const index_t count = std::min(rows_of(panels), w.rows - first_row);
    if (count <= 0) return;  // filled up
    for (index_t s = 0; s < samples; ++s, y += rows_of(panels)) {
      if (x.unscaled) {
        const float scale = x.sample_scales[static_cast<std::size_t>(s)];
        for (index_t p = 0; p < panels; ++p)
          for (index_t r = 0; r < panel_rows; ++r) y[p * panel_rows + r] *= scale;
        add_biases(first_panel, panels, s, y);
      }
      target.store(target, first_row, first + s, y, count);
    }
  }

 private:
  /// y += the biases, and what zero points of columns take, of a sample.
  void add_biases(index_t first_panel, index_t panels, index_t sample, float* y) const {
    const index_t first_row = first_panel * panel_rows, rows = rows_of(panels);
    const index_t biases = std::clamp<index_t>(std::ssize(options.bias) - first_row, 0, rows);
    for (index_t r = 0; r < biases; ++r) y[r] += options.bias[static_cast<std::size_t>(first_row + r)];
    if (w.column_zeros == nullptr) return;
    for (index_t r = 0; r < rows; ++r) y[r] += x.column_terms[static_cast<std::size_t>(sample)];
  }
};

}  // namespace bitgauge::kernel::detail
