#pragma once

/// \file
/// The histogram of a stream: bounded memory, and the same whatever the order and the batches.

#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/range/observer/extent.hpp>
#include <bitgauge/range/observer/histogram.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// Counts of float values in bins whose width is a power of two: bin j of a side holds the magnitudes from
/// j * width up to (j + 1) * width, zeros are counted apart. When a value does not fit, the width doubles and
/// neighbouring bins are added up, which is exact. The width depends on the largest magnitude alone, so that
/// the counts do not depend on the order of the values, on how they were cut into batches, or on what was
/// merged with what. Between half and all of the bins are in use.
class stream_histogram {
 public:
  explicit stream_histogram(int bins_per_side)
      : log2_bins_(static_cast<std::uint32_t>(std::bit_width(static_cast<std::uint64_t>(bins_per_side - 1)))),
        counts_(std::size_t{2} << log2_bins_) {}

  /// Values that are not finite are left out and counted. Cost: two passes.
  void observe(std::span<const float> values) {
    const extent seen = extent::of(values);
    if (!seen.empty()) {
      make_room(exponent_of(numeric::magnitude_bits(std::max(-seen.low, seen.high))));
      extent_.widen(seen);
    }
    for (const float x : values) {
      const std::uint32_t magnitude = numeric::magnitude_bits(x);
      if (magnitude == 0) {
        ++zeros_;
      } else if (magnitude < numeric::infinity_bits) {
        ++counts_[place_of(x, magnitude)];
      } else {
        ++ignored_;
      }
    }
  }

  void merge(const stream_histogram& other) {
    make_room(other.exponent_);
    const std::uint32_t shift = exponent_ - other.exponent_;
    for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[moved(i, shift)] += other.counts_[i];
    zeros_ += other.zeros_;
    ignored_ += other.ignored_;
    extent_.widen(other.extent_);
  }

  std::uint64_t ignored() const { return ignored_; }
  bool empty() const { return extent_.empty(); }
  interval range() const { return {extent_.low, extent_.high}; }
  std::size_t memory() const { return counts_.capacity() * sizeof(std::uint64_t); }

  /// Equal bins on both sides of zero; zeros are in the first above it.
  histogram on_both_sides() const {
    const std::size_t side = bins();
    histogram h{-width() * static_cast<double>(side), width(), std::vector<double>(2 * side), extent_.low,
                extent_.high};
    for (std::size_t i = 0; i < side; ++i) {
      h.counts[side - 1 - i] = static_cast<double>(counts_[side + i]);
      h.counts[side + i] = static_cast<double>(counts_[i]);
    }
    h.counts[side] += static_cast<double>(zeros_);
    return h;
  }

  /// The occupied bins as weighted values: their centres, cut to the extent of the data; zeros as such.
  void values(std::vector<float>& centers, std::vector<float>& weights) const {
    const auto add_bin = [&](double center, std::uint64_t count) {
      if (count == 0) return;
      const auto value = static_cast<float>(center);
      centers.push_back(std::clamp(value, extent_.low, extent_.high));
      weights.push_back(static_cast<float>(count));
    };
    for (std::size_t i = bins(); i-- > 0;)
      add_bin(-width() * (static_cast<double>(i) + 0.5), counts_[bins() + i]);
    add_bin(0, zeros_);
    for (std::size_t i = 0; i < bins(); ++i) add_bin(width() * (static_cast<double>(i) + 0.5), counts_[i]);
  }

 private:
  /// Magnitudes below 2^(exponent_ - 126) have a bin.
  double width() const {
    return std::ldexp(1.0, static_cast<int>(exponent_) - 126 - static_cast<int>(log2_bins_));
  }
  /// The exponent field; subnormal numbers share the one of the smallest normal.
  static std::uint32_t exponent_of(std::uint32_t magnitude) { return std::max(magnitude >> 23, 1u); }

  void make_room(std::uint32_t exponent) {
    if (exponent <= exponent_) return;
    const std::uint32_t shift = exponent - exponent_;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const std::uint64_t count = counts_[i];
      counts_[i] = 0;
      counts_[moved(i, shift)] += count;
    }
    exponent_ = exponent;
  }

  std::size_t bins() const { return std::size_t{1} << log2_bins_; }
  /// Where the count of place `i` goes as the bins grow 2^shift wider: nearer to zero, on the same side.
  std::size_t moved(std::size_t i, std::uint32_t shift) const {
    return (i & bins()) + (shift < 64 ? (i & (bins() - 1)) >> shift : 0);
  }
  std::size_t place_of(float x, std::uint32_t magnitude) const {
    // |x| = fraction * 2^(exponent - 150), and a bin is 2^(exponent_ - 126) / bins wide
    const std::uint32_t exponent = exponent_of(magnitude);
    const std::uint64_t fraction = magnitude - ((exponent - 1) << 23);
    const std::uint32_t shift = std::min(24 - log2_bins_ + exponent_ - exponent, 63u);
    return detail::as_size(fraction >> shift) | static_cast<std::size_t>(numeric::is_negative(x))
                                                    << log2_bins_;
  }

  std::uint32_t log2_bins_;
  std::uint32_t exponent_ = 1;         ///< of the largest magnitude
  std::vector<std::uint64_t> counts_;  ///< from zero up, then from zero down
  std::uint64_t zeros_ = 0, ignored_ = 0;
  extent extent_;
};

}  // namespace bitgauge::detail
