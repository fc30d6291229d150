#pragma once

/// \file
/// All pairs of a scale code and a minimum code that could suit a sub-block, tried many at once.

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

/// A choice for a sub-block; its grid has the scale `scale * super-scale` and starts at `-minimum *
/// super-minimum`.
struct scale_min_candidate {
  std::uint8_t scale = 0, minimum = 0;
  float error = HUGE_VALF;
};

/// Codes 1..MostCode for the scale and 0..MostCode for the minimum, grids of the levels 0..Most. Of more than
/// 64 codes every stride-th is listed, and then the neighbours of the best pair.
template <int Most, int MostCode, int Bytes>
class scale_min_candidates {
  using lanes = simd::lanes<Bytes>;
  static constexpr std::size_t capacity = 512;
  static constexpr int stride = MostCode / 64 + 1;

  alignas(64) std::array<float, capacity + 2 * lanes::count> scale_, minimum_;
  std::size_t count_ = 0;

  static int code_below(float place, int least) noexcept {
    return std::clamp(static_cast<int>(std::clamp(place, -1.0f, 256.0f) + 1.0f) - 1, least, MostCode);
  }
  static int code_above(float place, int least) noexcept { return code_below(place + 0.9f, least); }

  /// Adds the pairs of scale c and every step-th minimum of first..last.
  [[gnu::always_inline]] void add(int c, int first, int last, int step) noexcept {
    static constexpr std::array<float, 16> counted{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int m = first; m <= last && count_ < capacity; m += lanes::count * step) {
      lanes::all(static_cast<float>(c)).store(&scale_[count_]);
      (lanes::load(counted.data()) * lanes::all(static_cast<float>(step)) + lanes::all(static_cast<float>(m)))
          .store(&minimum_[count_]);
      count_ += static_cast<std::size_t>(std::min(lanes::count, (last - m) / step + 1));
    }
  }
  /// The last group is filled up with the last pair.
  [[gnu::always_inline]] void fill_up() noexcept {
    lanes::all(scale_[count_ - 1]).store(&scale_[count_]);
    lanes::all(minimum_[count_ - 1]).store(&minimum_[count_]);
  }

 public:
  /// Whether list() passes over pairs.
  static constexpr bool is_coarse = stride > 1;

  /// Lists the pairs whose grids end within the range, or next to it.
  [[gnu::always_inline]] void list(const grid_range& within, float super_scale,
                                   float super_minimum) noexcept {
    const auto& [bottom_least, bottom_most, top_least, top_most] = within.ends;
    const float to_scale = 1.0f / super_scale,
                to_minimum = super_minimum > 0.0f ? 1.0f / super_minimum : 0.0f;
    const float shortest = (top_least - bottom_most) / static_cast<float>(Most);
    const int first = code_below(product(shortest, to_scale), 1);
    const int last = code_above(product(within.most_scale, to_scale), first);
    count_ = 0;
    for (int c = first; c <= last; c += stride) {
      // exact: 11, at most 8, and 5 bits
      const float length = super_scale * static_cast<float>(c) * static_cast<float>(Most);
      const float high = std::min(bottom_most, top_most - length);
      const float low = std::max(bottom_least, top_least - length);
      const int shallow = code_below(product(-high, to_minimum), 0),
                deep = code_above(product(-low, to_minimum), shallow);
      add(c, shallow, deep, stride);
    }
    fill_up();
  }
  /// Lists `chosen` and the pairs that list() has passed over around it.
  [[gnu::always_inline]] void list_neighbours(const scale_min_candidate& chosen) noexcept {
    const int c = chosen.scale, m = chosen.minimum, near = stride - 1;
    count_ = 0;
    for (int other = std::max(1, c - near); other <= std::min(MostCode, c + near); ++other)
      add(other, std::max(0, m - near), std::min(MostCode, m + near), 1);
    fill_up();
  }

  /// The pair of least error, the first of equals.
  template <int Count>
  [[gnu::always_inline]] scale_min_candidate best(const float* x, const float* weight, float super_scale,
                                                  float super_minimum) const noexcept {
    const lanes of_scale = lanes::all(super_scale), of_minimum = lanes::all(-super_minimum);
    running_least<Bytes> least;
    for (std::size_t k = 0; k < count_; k += lanes::count) {
      least.take(k, affine_error<Most, Count>(x, weight, lanes::load(&scale_[k]) * of_scale,
                                              lanes::load(&minimum_[k]) * of_minimum));
    }
    const auto [at, error] = least.found();
    return {static_cast<std::uint8_t>(scale_[at]), static_cast<std::uint8_t>(minimum_[at]), error};
  }
};

}  // namespace bitgauge::gguf::best
