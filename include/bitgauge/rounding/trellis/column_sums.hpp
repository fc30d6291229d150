#pragma once

/// \file
/// Sums of columns with factors, in a fixed order.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <cstddef>

namespace bitgauge::detail {

namespace column_sums {

/// Sixteens of rows, and columns, whose sums stay in registers.
template <int Bytes>
inline constexpr index_t row_block = Bytes / 16;
inline constexpr index_t column_block = 4;

template <int Bytes, index_t Columns>
[[gnu::always_inline]] inline void add_block(float* const to, index_t stride, const float* from,
                                             index_t depth, const float* factors, index_t factor_stride,
                                             index_t sixteens) {
  using lanes = simd::lanes<Bytes>;
  index_t at = 0;
  for (; at + row_block<Bytes> <= sixteens; at += row_block<Bytes>) {
    lanes sums[static_cast<std::size_t>(Columns)][static_cast<std::size_t>(row_block<Bytes>)];
    for (index_t c = 0; c < Columns; ++c)
      for (index_t r = 0; r < row_block<Bytes>; ++r)
        sums[c][r] = lanes::load(to + c * stride + (at + r) * 16);
    for (index_t i = 0; i < depth; ++i) {
      lanes values[row_block<Bytes>];
      for (index_t r = 0; r < row_block<Bytes>; ++r)
        values[r] = lanes::load(from + i * stride + (at + r) * 16);
      for (index_t c = 0; c < Columns; ++c) {
        const lanes factor = lanes::all(factors[i * factor_stride + c]);
        for (index_t r = 0; r < row_block<Bytes>; ++r) sums[c][r] += values[r] * factor;
      }
    }
    for (index_t c = 0; c < Columns; ++c)
      for (index_t r = 0; r < row_block<Bytes>; ++r) sums[c][r].store(to + c * stride + (at + r) * 16);
  }
  for (; at < sixteens; ++at)
    for (index_t c = 0; c < Columns; ++c) {
      lanes sum = lanes::load(to + c * stride + at * 16);
      for (index_t i = 0; i < depth; ++i)
        sum += lanes::load(from + i * stride + at * 16) * lanes::all(factors[i * factor_stride + c]);
      sum.store(to + c * stride + at * 16);
    }
}

}  // namespace column_sums

/// to[c] += sum over i, from the first to the last, of from[i] * factors[i * factor_stride + c], for `count` columns
/// c; columns are `stride` apart and of `sixteens` * 16 numbers. Each product and each sum is rounded, so that the
/// result does not depend on the instruction set, nor on how a sum is cut into several calls. Cost: depth * count *
/// sixteens * 16 multiplications.
inline void add_columns(float* to, index_t count, const float* from, index_t depth, const float* factors,
                        index_t factor_stride, index_t stride, index_t sixteens) {
  if (depth == 0) return;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    constexpr int bytes = decltype(width)::value;
    constexpr index_t depth_block = 256;  // that of `from` which is read again stays in the cache
    for (index_t first = 0; first < depth; first += depth_block) {
      const index_t deep = std::min(depth_block, depth - first);
      constexpr index_t rows = 16;
      for (index_t row = 0; row < sixteens; row += rows) {
        const index_t high = std::min(rows, sixteens - row);
        const float* const source = from + first * stride + row * 16;
        index_t c = 0;
        for (; c + column_sums::column_block <= count; c += column_sums::column_block)
          column_sums::add_block<bytes, column_sums::column_block>(to + c * stride + row * 16, stride, source,
                                                                   deep, factors + first * factor_stride + c,
                                                                   factor_stride, high);
        for (; c < count; ++c)
          column_sums::add_block<bytes, 1>(to + c * stride + row * 16, stride, source, deep,
                                           factors + first * factor_stride + c, factor_stride, high);
      }
    }
  });
}

}  // namespace bitgauge::detail
