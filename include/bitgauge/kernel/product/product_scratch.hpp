#pragma once

/// \file
/// The memory of products, kept from call to call, and what of the weights is fetched ahead.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/kernel/activations/activations.hpp>
#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/segments.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::kernel::detail {

/// Samples that are laid out together: whole tiles, of which a chunk, with the sums and weights of most_panels panels,
/// stays in the second-level cache. Floats, half as many columns to a chunk but four times as large, leave room for half.
inline constexpr index_t most_samples = 44 * tile_samples, most_float_samples = most_samples / 2,
                         most_row_samples = 8 * row_tile_samples;

/// The samples of each of as few shares as can be, at most `most` and even ones but for the last: whole tiles.
inline index_t share_of(index_t samples, index_t most, index_t tile) noexcept {
  const index_t shares = std::max<index_t>((samples + most - 1) / most, 1);
  return ((samples + shares - 1) / shares + tile - 1) / tile * tile;
}

/// The units of each of as few chunks of a row as can be, even ones but for the last and of whole groups where these are
/// short: those of two panels, with their parameters and the activations of a tile, take two thirds of a first-level
/// cache of 48 KiB. `block_units`: of a block of activations within a group, or 0.
inline index_t units_together(const weights_view& w, index_t block_units) noexcept {
  constexpr index_t cached = 30 * 1024;
  constexpr index_t bytes_of_unit = tile_panels * unit_fields + tile_samples * unit_columns;
  constexpr index_t bytes_of_segment = tile_panels * index_t{sizeof(segment_parameters)};
  const index_t segment = std::max<index_t>(block_units > 0 ? block_units : w.group_units, 1);
  const index_t most = cached / (bytes_of_unit + bytes_of_segment / segment);
  return std::clamp<index_t>(share_of(w.units, most, std::min(segment, most)), 1, longest_segment);
}

/// Panels that are multiplied with the activations of a chunk while these are in the second-level cache.
inline constexpr index_t most_panels = 8;

/// What a call needs, and each of its threads; kept from call to call.
struct call_scratch {
  packed_activations x;
  std::vector<segment> segments;
  std::vector<chunk> chunks;
};
struct thread_scratch {
  tile_scratch tile;
  bitgauge::detail::aligned_buffer<float> y, weights;
  bitgauge::detail::aligned_buffer<std::uint16_t> bfloat16_weights;
  bitgauge::detail::aligned_buffer<std::int8_t> codes;
  bitgauge::detail::aligned_buffer<segment_parameters> parameters;
};
inline bitgauge::detail::scratch_pool<call_scratch>& call_scratches() {
  static bitgauge::detail::scratch_pool<call_scratch> pool;
  return pool;
}
inline bitgauge::detail::scratch_pool<thread_scratch>& thread_scratches() {
  static bitgauge::detail::scratch_pool<thread_scratch> pool;
  return pool;
}

/// The packed fields that are unpacked next, dealt to the tiles that are multiplied before.
class upcoming_fields {
 public:
  /// Units first_unit .. of `panels` panels, over `tiles` tiles of `tile_units` units; nothing of panels that are not
  /// there. `at_once`: fetched here, before each tile.
  upcoming_fields(const weights_view& w, index_t first_panel, index_t panels, index_t first_unit,
                  index_t units, index_t tiles, index_t tile_units, bool at_once)
      : nothing_{w.fields, 0},
        at_(w.unit(first_panel, first_unit)),
        panel_bytes_(w.units * unit_bytes(w.bits)),
        bytes_(units * unit_bytes(w.bits)),
        panels_(std::min(panels, w.panels - first_panel)),
        tile_units_(std::max<index_t>(tile_units, 1)),
        at_once_(at_once) {
    panels_of_tile_ = tiles > 0 ? (panels + tiles - 1) / tiles : 0;
    const index_t tiles_of_panel = std::max<index_t>(tiles / std::max<index_t>(panels, 1), 1);
    each_ = (bytes_ + tiles_of_panel - 1) / tiles_of_panel;
  }

  /// For the next tile: a part of a panel, or where there are more panels than tiles the last of some.
  upcoming_memory next() {
    for (index_t i = 1; i < panels_of_tile_; ++i) fetch(next_part());
    const upcoming_memory part = next_part();
    if (!at_once_) return part;
    fetch(part);
    return nothing_;
  }

 private:
  upcoming_memory next_part() {
    if (panels_ <= 0) return nothing_;
    const upcoming_memory part{at_ + done_, (each_ + tile_units_ - 1) / tile_units_};
    done_ += each_;
    if (done_ >= bytes_) {
      done_ = 0;
      at_ += panel_bytes_;
      --panels_;
    }
    return part;
  }
  void fetch(const upcoming_memory& part) const {
    constexpr index_t line = 64;
    if (part.bytes_of_unit == 0) return;
    for (index_t i = 0; i < each_; i += line) __builtin_prefetch(part.at + i, 0, 2);
  }

  upcoming_memory nothing_;
  const std::uint8_t* at_;
  index_t panel_bytes_, bytes_, panels_, tile_units_, panels_of_tile_ = 0, each_ = 0, done_ = 0;
  bool at_once_;
};

/// Calls action(first panel, tile, what is upcoming) for tile_panels of `panels` panels and every tile of samples, the
/// tiles of the same panels one after another.
template <class Action>
void for_each_tile(index_t panels, const tile_shares& samples, upcoming_fields upcoming,
                   const Action& action) {
  for (index_t p = 0; p < panels; p += tile_panels)
    for (index_t t = 0; t < samples.count(); ++t) action(p, t, upcoming.next());
}

}  // namespace bitgauge::kernel::detail
