#pragma once

/// \file
/// Scales that are tried together, and what came of them.

#include <bitgauge/range/search/group.hpp>
#include <bitgauge/simd/sums/code_sums.hpp>

#include <algorithm>
#include <span>

namespace bitgauge::detail {

/// The codes less the zero point: low <= 0 <= high. A zero point moves the window, nothing else.
struct code_window {
  double low = 0;
  double high = 0;
};

/// A scale with the sums of its nearest codes.
struct trial {
  double inverse;  ///< 1 / scale
  code_sums sums;
};

/// Up to `capacity` scales, each with its window of codes.
class trial_batch {
 public:
  static constexpr std::size_t capacity = 128;

  void clear() { size_ = 0; }
  /// `inverse` is 1 / scale.
  void add(double inverse, code_window window) {
    simd::code_sum_block& block = blocks_[size_ / lanes];
    block.inverse[size_ % lanes] = inverse;
    block.low[size_ % lanes] = window.low;
    block.high[size_ % lanes] = window.high;
    ++size_;
  }

  /// Adds `count` scales with one window: inverse(i) is 1 / scale of the i-th.
  template <class Inverse>
  void add(int count, const Inverse& inverse, code_window window) {
    int i = 0;
    for (; size_ % lanes != 0 && i < count; ++i) add(inverse(i), window);
    while (i < count) {
      simd::code_sum_block& block = blocks_[size_ / lanes];
      const int filled = std::min(count - i, static_cast<int>(lanes));
      for (int j = 0; j < filled; ++j) block.inverse[j] = inverse(i + j);
      std::fill_n(block.low, lanes, window.low);
      std::fill_n(block.high, lanes, window.high);
      i += filled;
      size_ += static_cast<std::size_t>(filled);
    }
  }

  std::size_t size() const { return size_; }
  trial operator[](std::size_t i) const {
    const simd::code_sum_block& b = blocks_[i / lanes];
    return {b.inverse[i % lanes], {b.linear[i % lanes], b.square[i % lanes]}};
  }
  /// 1 / scale of trial i, known before the sums are computed.
  double inverse(std::size_t i) const { return blocks_[i / lanes].inverse[i % lanes]; }
  code_window window(std::size_t i) const {
    return {blocks_[i / lanes].low[i % lanes], blocks_[i / lanes].high[i % lanes]};
  }
  /// The trial whose codes have the least error at their own best scale.
  std::size_t best() const {
    return simd::best_gain(blocks_, static_cast<index_t>((size_ + lanes - 1) / lanes));
  }

  /// The ratio of the scales `step` before and after trial i.
  double spacing(std::size_t i, std::size_t step) const {
    return inverse(std::min(i + step, size_ - 1)) / inverse(i >= step ? i - step : 0);
  }

  /// The trials as the sums are computed: lanes that hold none repeat the last one.
  std::span<simd::code_sum_block> blocks() {
    const std::size_t count = (size_ + lanes - 1) / lanes, last = size_ - 1;
    for (std::size_t i = size_; i < count * lanes; ++i) {
      simd::code_sum_block& block = blocks_[i / lanes];
      block.inverse[i % lanes] = block.inverse[last % lanes];
      block.low[i % lanes] = block.low[last % lanes];
      block.high[i % lanes] = block.high[last % lanes];
    }
    return {blocks_, count};
  }

 private:
  static constexpr std::size_t lanes = simd::code_sum_lanes;
  std::size_t size_ = 0;
  simd::code_sum_block blocks_[capacity / lanes];
};

}  // namespace bitgauge::detail
