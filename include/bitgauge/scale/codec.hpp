#pragma once

/// \file
/// What the choice of a range must know of how scales are stored, without knowing the storage.

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge {

/// Rounds scales to the values that their storage can hold. A scale is rounded before codes are chosen, so
/// that codes and the stored scale belong together. This base class is 32-bit storage.
class scale_codec {
 public:
  virtual ~scale_codec() = default;

  /// The stored value nearest to `scale`. 0 stays 0 and nothing else becomes 0: what is smaller than the
  /// smallest stored value (for binary32 the smallest normal, whose inverse is finite) is raised to it. Below 0,
  /// which only f32, f16 and bf16 take, the same mirrored. Throws data_error where the storage overflows.
  virtual float nearest(float scale) const {
    if (scale == 0 || std::fabs(scale) >= FLT_MIN) return scale;
    return std::copysign(FLT_MIN, scale);
  }

  /// True where every normal binary32 number can be stored.
  virtual bool is_exact() const { return true; }

  /// Two stored values.
  struct neighbours {
    float below, above;
  };
  /// The stored values next to `scale` > 0: the largest not above it and the smallest not below it, or the
  /// smallest or largest stored value twice where `scale` lies beyond.
  virtual neighbours around(double scale) const {
    const float rounded = static_cast<float>(std::clamp<double>(scale, FLT_MIN, FLT_MAX));
    const auto bits = std::bit_cast<std::uint32_t>(rounded);  // ordered as positive numbers are
    if (static_cast<double>(rounded) < scale && rounded < FLT_MAX)
      return {rounded, std::bit_cast<float>(bits + 1)};
    if (static_cast<double>(rounded) > scale && rounded > FLT_MIN)
      return {std::bit_cast<float>(bits - 1), rounded};
    return {rounded, rounded};
  }

  /// Writes the stored values that follow the stored value `from` > 0, up or down, the next one first, as
  /// many as `found` takes; returns how many there are. All are positive.
  virtual std::size_t following(float from, bool up, std::span<float> found) const {
    std::size_t count = 0;
    for (; count < found.size(); ++count) {
      const float beside = std::nextafter(from, up ? FLT_MAX : 0.0f);
      const neighbours near = around(static_cast<double>(beside));
      const float next = up ? near.above : near.below;
      if (up ? !(next > from) : !(next < from && next > 0)) break;
      found[count] = from = next;
    }
    return count;
  }
};

}  // namespace bitgauge
