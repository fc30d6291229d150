#pragma once

/// \file
/// The elements of a super-block whose sub-blocks have a scale and a minimum, as the search of super-scales
/// sees them: what each sub-block would have alone.

#include <bitgauge/gguf/best/scale_min_candidates.hpp>
#include <bitgauge/gguf/format/search_plan.hpp>
#include <bitgauge/gguf/search/affine_fit.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bitgauge::gguf::best {

/// The elements, or the elements with their signs turned.
template <class Format, int Bytes>
struct oriented_elements {
  static constexpr super_scale_min_plan plan = Format::best_plan;
  static constexpr auto count = static_cast<std::size_t>(Format::sub_block);
  static constexpr auto sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr int most = Format::levels::most;

  scaled_elements<Format::elements> block;
  std::array<grid_range, sub_blocks> ranges{};
  std::array<std::size_t, sub_blocks> order{};       ///< the greatest error first
  std::array<float, sub_blocks> scales{}, minima{};  ///< of the sub-blocks fitted alone
  float scale = 0.0f, minimum = 0.0f;                ///< the greatest that the sub-blocks ask for

  /// Fits each sub-block alone.
  [[gnu::always_inline]] void fit_alone() noexcept {
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      const float* x = &block.x[s * count];
      const float* weight = &block.weight[s * count];
      const auto [least, greatest] = std::minmax_element(x, x + count);
      // The minimum lies at or below zero.
      const float low = std::min(*least, 0.0f), high = std::max(*greatest, low);
      const float step = std::max((high - low) / static_cast<float>(most), 1e-9f);
      const affine_fit fit = fit_affine<most, static_cast<int>(count), Bytes, 4, 4>(
          x, weight, grid_ends::near(low, high, product(0.1f, step), product(0.95f, step)), 2);
      const float alone = std::max(fit.scale, 0.5f * step);
      grid_range& found = ranges[s];
      found.error = fit.error;
      found.ends = grid_ends::near(low, high, product(0.5f, alone) + product(0.1f, high - low), high - low);
      found.ends.bottom_most = std::min(found.ends.bottom_most, 0.0f);
      found.ends.template limit_cut<count>(x, weight, plan.cut * fit.error);
      found.most_scale = alone * (1.0f + plan.widest);
      scales[s] = alone;
      minima[s] = std::max(-fit.minimum, 0.0f);
    }
    scale = *std::max_element(scales.begin(), scales.end());
    minimum = *std::max_element(minima.begin(), minima.end());
    // by insertion: std::sort would be compiled for every width
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      std::size_t to = s;
      for (; to > 0 && ranges[order[to - 1]].error < ranges[s].error; --to) order[to] = order[to - 1];
      order[to] = s;
    }
  }
};

}  // namespace bitgauge::gguf::best
