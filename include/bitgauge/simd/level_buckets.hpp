#pragma once

/// \file
/// Where a value lies among up to 255 bounds, found by the bits of the float instead of by halving.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>

namespace bitgauge::simd {

/// Divides the floats of either sign into buckets of equal numbers of bit patterns, from the smallest bound
/// above zero to the largest, and keeps how many bounds lie below each bucket: the few that lie inside are
/// searched. Bounds that are as far apart as a codebook's leave at most one or two.
class level_buckets {
 public:
  static constexpr std::uint32_t buckets_per_sign = 2048;
  static constexpr std::size_t capacity = 256;

  constexpr level_buckets() = default;
  /// \param bounds ascending; FLT_MAX behind the `count` that are used
  constexpr level_buckets(const std::array<float, capacity>& bounds, std::size_t count) {
    std::uint32_t lowest = numeric::infinity_bits, highest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t magnitude = numeric::magnitude_bits(bounds[i]);
      if (magnitude > 0) lowest = std::min(lowest, magnitude);
      highest = std::max(highest, magnitude);
    }
    lowest_ = std::min(lowest, highest);
    while ((highest - lowest_) >> shift_ > buckets_per_sign - 2) ++shift_;
    std::size_t rank = 0;
    std::uint32_t most = 0;
    const auto enter = [&](std::uint32_t bucket, float least) {
      const std::size_t before = rank;
      while (rank < count && bounds[rank] < least) ++rank;
      most = std::max(most, static_cast<std::uint32_t>(rank - before));
      below_[bucket] = static_cast<std::uint8_t>(rank);
    };
    for (std::uint32_t k = buckets_per_sign; k-- > 0;) enter(buckets_per_sign + k, -largest_of(k));
    enter(0, 0);
    for (std::uint32_t k = 1; k < buckets_per_sign; ++k) enter(k, magnitude_at(k, 0));
    most = std::max(most, static_cast<std::uint32_t>(count - rank));
    step_ = std::bit_floor(most);
  }

  /// The number of bounds below `value`, which is not NaN.
  constexpr std::uint32_t rank(float value, const std::array<float, capacity>& bounds) const noexcept {
    value = std::clamp(value, -FLT_MAX, FLT_MAX);  // beyond lie the bounds that are not used
    const std::uint32_t magnitude = std::max(numeric::magnitude_bits(value), lowest_) - lowest_;
    const std::uint32_t bucket = std::min(magnitude >> shift_, buckets_per_sign - 1);
    std::uint32_t rank = below_[bucket + (numeric::is_negative(value) ? buckets_per_sign : 0u)];
    for (std::uint32_t step = step_; step > 0; step /= 2)
      rank += bounds[std::min<std::size_t>(rank + step - 1, capacity - 1)] < value ? step : 0u;
    return rank;
  }

  /// What vector code needs to do the same.
  constexpr std::uint32_t lowest() const noexcept { return lowest_; }
  constexpr int shift() const noexcept { return shift_; }
  constexpr std::uint32_t first_step() const noexcept { return step_; }
  /// By bucket, those of negative values behind those of positive ones; four bytes can be read from each.
  constexpr const std::uint8_t* below() const noexcept { return below_.data(); }

 private:
  constexpr float largest_of(std::uint32_t bucket) const noexcept {
    return bucket == buckets_per_sign - 1 ? FLT_MAX : magnitude_at(bucket + 1, 1);
  }
  /// The magnitude `before` patterns below the first of a bucket; buckets may lie beyond the finite numbers.
  constexpr float magnitude_at(std::uint32_t bucket, std::uint32_t before) const noexcept {
    const std::uint64_t bits = lowest_ + (std::uint64_t{bucket} << shift_) - before;
    return bits < numeric::infinity_bits ? std::bit_cast<float>(static_cast<std::uint32_t>(bits)) : FLT_MAX;
  }

  std::uint32_t lowest_ = 0;  ///< bits of the smallest magnitude of a bound above zero
  int shift_ = 0;             ///< a bucket is 2^shift_ patterns wide
  std::uint32_t step_ = 0;    ///< the largest power of two of the search within a bucket
  std::array<std::uint8_t, 2 * buckets_per_sign + 3> below_{};
};

}  // namespace bitgauge::simd
