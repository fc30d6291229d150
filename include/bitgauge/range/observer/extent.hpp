#pragma once

/// \file
/// The smallest and largest finite value of a stream.

#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <span>

namespace bitgauge::detail {

/// Empty until something finite was seen: then low <= high.
struct extent {
  float low = FLT_MAX;
  float high = -FLT_MAX;

  static extent of(std::span<const float> values);

  bool empty() const { return low > high; }
  void widen(const extent& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

/// Many extents side by side, which become vectors.
struct finite_extent {
  std::span<const float> values;
  extent* found;

  template <class Width>
  [[gnu::always_inline]] void operator()(Width) const {
    constexpr std::size_t lanes = 32;
    float low[lanes], high[lanes];
    std::fill_n(low, lanes, FLT_MAX);
    std::fill_n(high, lanes, -FLT_MAX);
    std::size_t i = 0;
    for (; i + lanes <= values.size(); i += lanes)
      for (std::size_t j = 0; j < lanes; ++j) add(values[i + j], low[j], high[j]);
    for (; i < values.size(); ++i) add(values[i], low[0], high[0]);
    for (std::size_t j = 0; j < lanes; ++j) found->widen({low[j], high[j]});
  }

  [[gnu::always_inline]] static void add(float x, float& low, float& high) {
    const bool finite = numeric::magnitude_bits(x) < numeric::infinity_bits;
    const float below = finite ? x : FLT_MAX, above = finite ? x : -FLT_MAX;
    low = below < low ? below : low;
    high = above > high ? above : high;
  }
};

inline extent extent::of(std::span<const float> values) {
  extent found;
  simd::multiversion(finite_extent{values, &found});
  return found;
}

}  // namespace bitgauge::detail
