#pragma once

/// \file
/// All pairs of a scale code and an offset code that could suit a sub-block, tried many at once.

#include <bitgauge/gguf/search/affine_fit.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// Where the ends of a sub-block's grid may lie, its greatest scale, and the least error seen.
struct grid_range {
  grid_ends ends;
  float most_scale, error;
};

/// A choice for a sub-block; its grid has the scale `scale * super-scale` and starts at `-depth *
/// super-depth`.
struct scale_min_candidate {
  std::uint8_t scale = 0, depth = 0;
  float error = HUGE_VALF;
};

/// Codes 1..MostCode for the scale and 0..MostCode for the depth, grids of the levels 0..Most.
template <int Most, int MostCode, int Bytes>
class scale_min_candidates {
  using lanes = simd::lanes<Bytes>;
  static constexpr std::size_t capacity = 512;

  alignas(64) std::array<float, capacity + 2 * lanes::count> scale_, depth_;
  std::size_t count_ = 0;

  static int code_below(float place, int least) noexcept {
    return std::clamp(static_cast<int>(std::clamp(place, -1.0f, 256.0f) + 1.0f) - 1, least, MostCode);
  }
  static int code_above(float place, int least) noexcept { return code_below(place + 0.9f, least); }

 public:
  /// Lists the pairs whose grids end within the range, or next to it.
  [[gnu::always_inline]] void list(const grid_range& within, float super_scale, float super_depth) noexcept {
    static constexpr std::array<float, 16> counted{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const auto& [bottom_least, bottom_most, top_least, top_most] = within.ends;
    const float to_scale = 1.0f / super_scale, to_depth = super_depth > 0.0f ? 1.0f / super_depth : 0.0f;
    const float shortest = (top_least - bottom_most) / static_cast<float>(Most);
    const int first = code_below(product(shortest, to_scale), 1);
    const int last = code_above(product(within.most_scale, to_scale), first);
    count_ = 0;
    for (int c = first; c <= last; ++c) {
      // exact: 11, 6 and 5 bits
      const float length = super_scale * static_cast<float>(c) * static_cast<float>(Most);
      const float high = std::min(bottom_most, top_most - length);
      const float low = std::max(bottom_least, top_least - length);
      const int shallow = code_below(product(-high, to_depth), 0),
                deep = code_above(product(-low, to_depth), shallow);
      for (int m = shallow; m <= deep && count_ < capacity; m += lanes::count) {
        lanes::all(static_cast<float>(c)).store(&scale_[count_]);
        (lanes::load(counted.data()) + lanes::all(static_cast<float>(m))).store(&depth_[count_]);
        count_ += static_cast<std::size_t>(std::min(lanes::count, deep - m + 1));
      }
    }
    // The last group is filled up with the last pair.
    lanes::all(scale_[count_ - 1]).store(&scale_[count_]);
    lanes::all(depth_[count_ - 1]).store(&depth_[count_]);
  }

  /// The pair of least error, the first of equals.
  template <int Count>
  [[gnu::always_inline]] scale_min_candidate best(const float* x, const float* weight, float super_scale,
                                                  float super_depth) const noexcept {
    const lanes of_scale = lanes::all(super_scale), of_depth = lanes::all(-super_depth);
    running_least<Bytes> least;
    for (std::size_t k = 0; k < count_; k += lanes::count) {
      least.take(k, affine_error<Most, Count>(x, weight, lanes::load(&scale_[k]) * of_scale,
                                              lanes::load(&depth_[k]) * of_depth));
    }
    const auto [at, error] = least.found();
    return {static_cast<std::uint8_t>(scale_[at]), static_cast<std::uint8_t>(depth_[at]), error};
  }
};

}  // namespace bitgauge::gguf::best
