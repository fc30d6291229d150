#pragma once

/// \file
/// Sixteen sub-blocks next to each other, for searches that do the same for each.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bitgauge::gguf {

/// A number for each of the sixteen sub-blocks.
using sixteen = std::array<float, 16>;

/// Elements and weights of up to sixteen sub-blocks: row j holds element j of each.
template <int Count>
struct sub_block_lanes {
  static constexpr int count = Count;

  alignas(64) std::array<sixteen, static_cast<std::size_t>(Count)> x, weight;

  /// Puts a sub-block into a lane.
  void set(std::size_t lane, const float* elements, const float* weights) noexcept {
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j][lane] = elements[j];
      weight[j][lane] = weights[j];
    }
  }
  /// Fills the lanes from `used` on with copies of the first.
  void repeat_first(std::size_t used) noexcept {
    for (std::size_t j = 0; j < x.size(); ++j) {
      std::fill(x[j].begin() + static_cast<std::ptrdiff_t>(used), x[j].end(), x[j][0]);
      std::fill(weight[j].begin() + static_cast<std::ptrdiff_t>(used), weight[j].end(), weight[j][0]);
    }
  }

  /// Turns `elements`, whole sub-blocks and at most sixteen, so that each has a lane; lanes without elements
  /// are zero. `importance` is null or one positive weight an element.
  void load(const float* from, const float* importance, index_t elements) noexcept {
    turn(from, elements, x[0].data());
    if (importance != nullptr) {
      turn(importance, elements, weight[0].data());
    } else {
      for (sixteen& w : weight) w.fill(1.0f);
    }
  }

 private:
  static void turn(const float* from, index_t elements, float* to) noexcept {
    alignas(64) std::array<float, static_cast<std::size_t>(16 * Count)> padded;
    if (elements < 16 * Count) {
      padded.fill(0.0f);
      std::copy_n(from, elements, padded.begin());
      from = padded.data();
    }
    simd::transpose(from, Count, Count, 16, to, 16, false);
  }
};

}  // namespace bitgauge::gguf
