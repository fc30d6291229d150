#pragma once

/// \file
/// What the steps of a product are given.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/segments.hpp>

#include <algorithm>
#include <cstdint>

namespace bitgauge::kernel {

/// The most samples of a tile whose values are interleaved: values of activations lie tile after tile; within
/// one, the four columns that meet a lane of weights (of codes) or a column (of floats) lie sample after sample.
/// Or values lie in rows, see rows.hpp.
inline constexpr index_t tile_samples = 12;

/// Samples dealt into as few tiles as can be, which differ by one sample at most, or into tiles of `whole`.
class tile_shares {
 public:
  constexpr tile_shares() = default;
  constexpr explicit tile_shares(index_t samples, index_t whole = 0) : samples_(samples) {
    const index_t most = whole > 0 ? whole : tile_samples;
    count_ = (samples + most - 1) / most;
    each_ = whole > 0 ? whole : samples / std::max<index_t>(count_, 1);
    longer_ = whole > 0 ? 0 : samples - count_ * each_;
  }

  constexpr index_t samples() const noexcept { return samples_; }
  constexpr index_t count() const noexcept { return count_; }
  /// The first sample of a tile.
  constexpr index_t begin(index_t tile) const noexcept {
    return std::min(tile * each_ + std::min(tile, longer_), samples_);
  }
  constexpr index_t width(index_t tile) const noexcept { return begin(tile + 1) - begin(tile); }

 private:
  index_t samples_ = 0, count_ = 0;
  index_t each_ = 0, longer_ = 0;  ///< samples of a tile, and tiles that have one more
};

/// Panels that are multiplied together.
inline constexpr index_t tile_panels = 2;

/// Bytes of activations ahead of those that are multiplied that are fetched: mostly those of the next tile. The first
/// panels that a chunk is multiplied with find it beyond the second-level cache.
inline constexpr index_t activations_ahead = 3072;

/// Samples and panels that are multiplied at most without unpacking the weights to memory.
inline constexpr index_t packed_samples = 8, packed_float_samples = 4, packed_panels = 16;

/// What a segment of a panel has besides its codes, by row.
struct alignas(64) segment_parameters {
  float scales[panel_rows];
  std::int32_t code_sums[panel_rows];
  float offsets[panel_rows];  ///< where has_offsets()
};

/// A chunk of a panel as bytes, for integer products.
struct unpacked_codes {
  std::int8_t* codes;              ///< [unit][128]
  segment_parameters* parameters;  ///< [segment]
};

/// True where the sum of scaled codes is not all: w = scale * code - offset.
inline bool has_offsets(const weights_view& w) noexcept {
  return w.has_stored_offsets() || (w.zero_points != nullptr && w.bits == 8);
}

/// True where no code of the weights is above 32 in magnitude.
inline bool has_small_codes(const weights_view& w) noexcept {
  return !w.has_levels && w.bits <= 5;
}

/// Activations of a tile as codes: x = scale * (code - zero_point), code 0..255.
struct activation_codes {
  index_t samples;                  ///< 1..tile_samples
  const std::uint8_t* codes;        ///< [unit][2][sample][4]
  const float* scales;              ///< [block][sample]
  const std::int32_t* zero_points;  ///< [block][sample]; null where all are 128
  const std::int32_t* sums;         ///< [segment][sample]: the sum of code - zero_point
  const float* scaled_sums;         ///< [segment][sample]: scale * sum
  bool unscaled = false;            ///< all scales are 1: products are scaled in the end
  index_t fours = 0, steps = 0;     ///< of codes in rows, see rows.hpp: of a step, of the chunk
};

/// Memory to be fetched for what comes next, while a tile is multiplied: from `at` on, so many bytes with each unit.
struct upcoming_memory {
  const std::uint8_t* at = nullptr;
  index_t bytes_of_unit = 0;
};

/// tile_panels panels times a tile, over the segments of a chunk.
struct integer_tile {
  const segment* segments;
  index_t count;
  unpacked_codes weights[tile_panels];
  bool has_offsets, has_small_codes;
  bool
      shares_scales;  ///< segments that follow each other may share a scale of the activations, alike for offsets
  activation_codes x;  ///< codes at the first segment's first unit, sums at the first segment
  float* y;            ///< y[sample * y_stride + row] grows
  index_t y_stride;
  upcoming_memory upcoming{};  ///< of steps with fetches_upcoming
};

/// Some panels that follow each other, as they are packed.
struct packed_range {
  const weights_view* weights;
  index_t first_panel, panels;  ///< 1..packed_panels of them
};

/// Panels as they are packed times a tile of few samples, over whole rows or some segments that follow each other.
/// Zero points of the activations are all 128, and their codes less 128, in two's complement.
struct packed_tile {
  packed_range weights;
  const segment* segments;
  index_t count;
  activation_codes x;
  float* y;  ///< y[sample * y_stride + row] grows
  index_t y_stride;
  upcoming_memory upcoming{};  ///< of steps with fetches_upcoming, and more than packed_samples samples
};

/// tile_panels panels times a tile of floats or bfloat16, over some columns.
template <class Value>
struct value_tile {
  index_t columns;
  const Value* weights[tile_panels];  ///< [column][16] floats, or [pair of columns][16][2] bfloat16
  index_t samples;
  const Value* x;  ///< [column][sample] floats, or bfloat16 in rows, see rows.hpp
  float* y;        ///< y[sample * y_stride + row] grows
  index_t y_stride;
};
using exact_tile = value_tile<float>;
using bfloat16_tile = value_tile<std::uint16_t>;

/// Panels as they are packed times a tile of few samples of floats, over whole rows.
struct packed_exact_tile {
  packed_range weights;
  index_t samples;
  const float* x;       ///< [column of units][sample]
  const float* x_sums;  ///< [group][sample]
  float* y;             ///< y[sample * y_stride + row] grows
  index_t y_stride;
};

}  // namespace bitgauge::kernel
