#pragma once

/// \file
/// What measuring, products and layers ask of something quantized.

#include <bitgauge/base/config.hpp>

#include <concepts>

namespace bitgauge {

/// Anything that is decoded row by row: a quantized_matrix, ggml's blocks.
template <class Q>
concept row_decodable = requires(const Q& q, index_t row, float* out) {
  { q.rows() } -> std::convertible_to<index_t>;
  { q.cols() } -> std::convertible_to<index_t>;
  q.dequantize_row(row, out);
  q.dequantize(0);
};

}  // namespace bitgauge
