#pragma once

/// \file
/// The largest magnitudes of a layer's weights, by input and by output.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace bitgauge {
namespace detail {

/// Calls take(row, its bits of magnitude, one a column) for each row. Raises data_error for NaN and infinity.
template <class Take>
void for_each_magnitude_row(const row_source& source, const Take& take) {
  const index_t cols = source.cols(), height = source.panel_height();
  std::vector<float> scratch;
  std::vector<std::uint32_t> bits(static_cast<std::size_t>(cols));
  for (index_t first = 0; first < source.rows(); first += height) {
    const index_t count = std::min(height, source.rows() - first);
    const auto panel = source.read(first, count, scratch);
    for (index_t r = 0; r < count; ++r) {
      const float* const row = panel.row(r);
      std::uint32_t largest = 0;
      for (index_t c = 0; c < cols; ++c) {
        const std::uint32_t magnitude = numeric::magnitude_bits(row[c]);
        bits[static_cast<std::size_t>(c)] = magnitude;
        largest = std::max(largest, magnitude);
      }
      if (largest >= numeric::infinity_bits)
        raise_message<data_error>(
            {"weights: row ", first + r, ", column ",
             std::find_if(bits.begin(), bits.end(), [](auto b) { return b >= numeric::infinity_bits; }) -
                 bits.begin(),
             ": expected a finite value, found NaN or infinity"});
      take(first + r, bits.data(), largest);
    }
  }
}

inline void merge_column_maxima(const row_source& source, Eigen::VectorXf& maxima) {
  if (source.cols() != maxima.size())
    raise_message<shape_error>(
        {"weights: expected layers of one input, ", maxima.size(), " columns, found ", source.cols()});
  for_each_magnitude_row(source, [&](index_t, const std::uint32_t* magnitudes, std::uint32_t) {
    for (index_t c = 0; c < maxima.size(); ++c)
      maxima(c) = std::max(maxima(c), std::bit_cast<float>(magnitudes[c]));
  });
}

}  // namespace detail

/// max |W_rj| over the rows of all layers given, which share one input: one value a column, 0 for a column of
/// zeros. Throws shape_error where the numbers of columns disagree, data_error for NaN and infinity. Cost: one
/// pass.
template <class First, class... Rest>
Eigen::VectorXf column_maxima(const Eigen::DenseBase<First>& weights, const Eigen::DenseBase<Rest>&... more) {
  Eigen::VectorXf maxima = Eigen::VectorXf::Zero(
      detail::with_rows(weights, [](const row_source& source) { return source.cols(); }));
  const auto merge = [&](const row_source& source) { detail::merge_column_maxima(source, maxima); };
  detail::with_rows(weights, merge);
  (detail::with_rows(more, merge), ...);
  return maxima;
}

/// max |W_rj| of each row. Throws data_error for NaN and infinity. Cost: one pass.
template <class Derived>
Eigen::VectorXf row_maxima(const Eigen::DenseBase<Derived>& weights) {
  return detail::with_rows(weights, [](const row_source& source) {
    Eigen::VectorXf maxima(source.rows());
    detail::for_each_magnitude_row(source, [&](index_t r, const std::uint32_t*, std::uint32_t largest) {
      maxima(r) = std::bit_cast<float>(largest);
    });
    return maxima;
  });
}

}  // namespace bitgauge
