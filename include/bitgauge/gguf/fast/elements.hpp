#pragma once

/// \file
/// The elements of sixteen sub-blocks side by side, one sub-block a lane, as the fast search tries scales.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/search/sub_block_lanes.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::fast {

/// The power of two at or below `magnitude`, within 2^-100 .. 2^100; 1 for 0. Dividing by it keeps squares
/// and their sums finite and is exact.
inline float power_of_two_below(float magnitude) noexcept {
  if (!(magnitude > 0)) return 1.0f;
  const int exponent = static_cast<int>(std::bit_cast<std::uint32_t>(magnitude) >> 23) - 127;
  return std::bit_cast<float>(static_cast<std::uint32_t>(std::clamp(exponent, -100, 100) + 127) << 23);
}

/// Sixteen sub-blocks of `Count` elements, `PerBlock` of them to a block: x in units of the block, weight,
/// their product, and the extremes and sums that every trial needs.
template <int Count, int PerBlock>
struct trial_elements : sub_block_lanes<Count> {
  static constexpr int blocks = 16 / PerBlock;
  using sub_block_lanes<Count>::x, sub_block_lanes<Count>::weight;

  alignas(64) std::array<sixteen, static_cast<std::size_t>(Count)> weighted_x;
  alignas(64) sixteen low, high, sum_weight, sum_x;  ///< extremes, sums of w and w x
  alignas(64) sixteen unit;                          ///< of the block; a power of two

  /// Divides by the units of the blocks, and finds what the trials need.
  template <class Lanes>
  [[gnu::always_inline]] void prepare() noexcept {
    auto least = Lanes::load(x[0].data()), most = least, heaviest = Lanes::all(0.0f);
    for (const sixteen& lane : x) {
      least = smaller(least, Lanes::load(lane.data()));
      most = greater(most, Lanes::load(lane.data()));
    }
    for (const sixteen& lane : weight) heaviest = greater(heaviest, Lanes::load(lane.data()));
    sixteen shrink, lighten;
    greater(Lanes::all(0.0f) - least, most).store(unit.data());
    heaviest.store(lighten.data());
    for (std::size_t b = 0; b < 16; b += PerBlock) {
      const float unit_of_block = power_of_two_below(*std::max_element(&unit[b], &unit[b] + PerBlock));
      const float unit_of_weight = power_of_two_below(*std::max_element(&lighten[b], &lighten[b] + PerBlock));
      std::fill_n(&unit[b], PerBlock, unit_of_block);
      std::fill_n(&shrink[b], PerBlock, 1.0f / unit_of_block);
      std::fill_n(&lighten[b], PerBlock, 1.0f / unit_of_weight);
    }
    const auto by = Lanes::load(shrink.data()), weight_by = Lanes::load(lighten.data());
    (least * by).store(low.data());
    (most * by).store(high.data());
    auto weights = Lanes::all(0.0f), sum = weights;
    for (std::size_t j = 0; j < Count; ++j) {
      const auto value = Lanes::load(x[j].data()) * by, w = Lanes::load(weight[j].data()) * weight_by;
      const auto product = value * w;
      value.store(x[j].data());
      w.store(weight[j].data());
      product.store(weighted_x[j].data());
      weights += w;
      sum += product;
    }
    weights.store(sum_weight.data());
    sum.store(sum_x.data());
  }
};

}  // namespace bitgauge::gguf::fast
