#pragma once

/// \file
/// The inner dimension of a product cut into pieces.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/layout.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::kernel {

/// Units that share a scale of the weights and a scale of the activations: the sum of their products of codes
/// is one int32, and at most `longest_segment` of them, 1024 columns, so that it cannot overflow: 1024 * 255 *
/// 128 < 2^31.
struct segment {
  std::int32_t first_unit = 0, units = 0;
  std::int32_t group = 0;                  ///< of the weights
  std::int32_t block = 0;                  ///< of the activations
  std::int32_t first_step = 0, steps = 0;  ///< of codes in rows, see rows.hpp
};

inline constexpr index_t longest_segment = 128;

/// Segments that are unpacked and multiplied together.
struct chunk {
  index_t first_segment = 0, segments = 0;
  index_t first_unit = 0, units = 0;
  index_t first_step = 0, steps = 0;  ///< of codes in rows, see rows.hpp
};

/// Cuts a row of the weights: at the ends of groups, and of blocks of `block_units` units within a group (or of
/// whole groups: `groups_per_block` of them, 0 where all groups share a block). A chunk has at most `together`
/// units.
inline void cut(const weights_view& w, index_t block_units, index_t groups_per_block, index_t together,
                std::vector<segment>& segments, std::vector<chunk>& chunks) {
  segments.clear();
  chunks.clear();
  index_t unit = 0, blocks_before = 0;
  for (index_t g = 0; g < w.groups; ++g) {
    const index_t end = unit + (w.columns_of(g) + unit_columns - 1) / unit_columns;
    const index_t longest = block_units > 0 ? std::min(block_units, together) : together;
    for (index_t first = unit, in_group = 0; first < end;) {
      const index_t block_end = block_units > 0 ? unit + (in_group / block_units + 1) * block_units : end;
      const index_t length = std::min({longest, end - first, block_end - first});
      const index_t block = block_units > 0        ? blocks_before + in_group / block_units
                            : groups_per_block > 0 ? g / groups_per_block
                                                   : 0;
      segments.push_back({static_cast<std::int32_t>(first), static_cast<std::int32_t>(length),
                          static_cast<std::int32_t>(g), static_cast<std::int32_t>(block), 0, 0});
      first += length;
      in_group += length;
    }
    if (block_units > 0) blocks_before += (end - unit + block_units - 1) / block_units;
    unit = end;
  }
  for (index_t i = 0; i < static_cast<index_t>(segments.size()); ++i) {
    const segment& s = segments[static_cast<std::size_t>(i)];
    if (chunks.empty() || chunks.back().units + s.units > together)
      chunks.push_back({i, 0, s.first_unit, 0, 0, 0});
    ++chunks.back().segments;
    chunks.back().units += s.units;
  }
}

}  // namespace bitgauge::kernel
