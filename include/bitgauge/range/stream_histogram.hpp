#pragma once

/// \file
/// The histogram of a stream: bounded memory, and the same whatever the order and the batches.

#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/range/histogram.hpp>

#include <algorithm>
#include <bit>
#include <cfloat>
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
      : log2_bins_(static_cast<std::uint32_t>(std::bit_width(static_cast<unsigned>(bins_per_side - 1)))),
        below_(std::size_t{1} << log2_bins_),
        above_(std::size_t{1} << log2_bins_) {}

  /// Values that are not finite are left out and counted. Cost: two passes.
  void observe(std::span<const float> values) {
    std::uint32_t largest = 0;
    for (const float x : values) {
      const std::uint32_t magnitude = numeric::magnitude_bits(x);
      if (magnitude < numeric::infinity_bits) largest = std::max(largest, magnitude);
    }
    make_room(exponent_of(largest));
    for (const float x : values) {
      const std::uint32_t magnitude = numeric::magnitude_bits(x);
      if (magnitude >= numeric::infinity_bits) {
        ++ignored_;
      } else {
        add(x, magnitude);
      }
    }
  }

  void merge(const stream_histogram& other) {
    make_room(other.exponent_);
    const std::uint32_t shift = exponent_ - other.exponent_;
    for (std::size_t i = 0; i < other.below_.size(); ++i) {
      below_[shift < 64 ? i >> shift : 0] += other.below_[i];
      above_[shift < 64 ? i >> shift : 0] += other.above_[i];
    }
    zeros_ += other.zeros_;
    ignored_ += other.ignored_;
    smallest_ = std::min(smallest_, other.smallest_);
    largest_ = std::max(largest_, other.largest_);
  }

  std::uint64_t ignored() const { return ignored_; }
  bool empty() const { return smallest_ > largest_; }
  interval extent() const { return {smallest_, largest_}; }
  std::size_t memory() const { return (below_.capacity() + above_.capacity()) * sizeof(std::uint64_t); }

  /// Equal bins on both sides of zero; zeros are in the first above it.
  histogram on_both_sides() const {
    const std::size_t side = above_.size();
    histogram h{-width() * static_cast<double>(side), width(), std::vector<double>(2 * side), smallest_,
                largest_};
    for (std::size_t i = 0; i < side; ++i) {
      h.counts[side - 1 - i] = static_cast<double>(below_[i]);
      h.counts[side + i] = static_cast<double>(above_[i]);
    }
    h.counts[side] += static_cast<double>(zeros_);
    return h;
  }

  /// The occupied bins as weighted values: their centres, cut to the extent of the data; zeros as such.
  void values(std::vector<float>& centers, std::vector<float>& weights) const {
    const auto add_bin = [&](double center, std::uint64_t count) {
      if (count == 0) return;
      const auto value = static_cast<float>(center);
      centers.push_back(std::clamp(value, smallest_, largest_));
      weights.push_back(static_cast<float>(count));
    };
    for (std::size_t i = below_.size(); i-- > 0;)
      add_bin(-width() * (static_cast<double>(i) + 0.5), below_[i]);
    add_bin(0, zeros_);
    for (std::size_t i = 0; i < above_.size(); ++i)
      add_bin(width() * (static_cast<double>(i) + 0.5), above_[i]);
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
    for (auto* side : {&below_, &above_}) {
      for (std::size_t i = 0; i < side->size(); ++i) {
        const std::uint64_t count = (*side)[i];
        (*side)[i] = 0;
        (*side)[shift < 64 ? i >> shift : 0] += count;
      }
    }
    exponent_ = exponent;
  }

  void add(float x, std::uint32_t magnitude) {
    smallest_ = std::min(smallest_, x);
    largest_ = std::max(largest_, x);
    if (magnitude == 0) {
      ++zeros_;
      return;
    }
    // |x| = fraction * 2^(exponent - 150), and a bin is 2^(exponent_ - 126) / bins wide
    const std::uint32_t exponent = exponent_of(magnitude);
    const std::uint64_t fraction = magnitude - ((exponent - 1) << 23);
    const std::uint32_t shift = 24 - log2_bins_ + exponent_ - exponent;
    const std::uint64_t bin = shift < 64 ? fraction >> shift : 0;
    ++(numeric::is_negative(x) ? below_ : above_)[static_cast<std::size_t>(bin)];
  }

  std::uint32_t log2_bins_;
  std::uint32_t exponent_ = 1;  ///< of the largest magnitude
  std::vector<std::uint64_t> below_, above_;
  std::uint64_t zeros_ = 0, ignored_ = 0;
  float smallest_ = FLT_MAX;
  float largest_ = -FLT_MAX;
};

}  // namespace bitgauge::detail
