#pragma once

/// \file
/// bitsandbytes' row-wise 8-bit quantization: what LLM.int8 does to weights and activations.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/answers/nonfinite.hpp>
#include <bitgauge/matrix/codes/code_encoding.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace bitgauge::bitsandbytes {
namespace detail {

/// One finite row: code = rint(x * (127 / absmax)), ties to even, as signed bytes. Returns the scale, absmax / 127.
/// (quantize() multiplies by 1 / (absmax / 127), which may differ in its last bit, and then in some ties.)
inline float encode_vectorwise(const float* x, index_t count, std::uint8_t* codes) {
  if (count == 0) return 0;
  const auto& kernels = simd::row_kernels();
  float low, high;
  const auto absmax = std::bit_cast<float>(simd::extents(x, count, count, &low, &high));
  // of zeros there is no inverse, and that of the least subnormal numbers is no float
  const float inverse = absmax > 0 ? std::min(127 / absmax, std::numeric_limits<float>::max()) : 0.0f;
  const std::int32_t zero_point = 0;
  kernels.encode(x, count, count, &inverse, &zero_point, -127, 127, codes, {});
  return absmax / 127;
}

inline quantized_matrix quantize_rows(const row_source& w, int threads) {
  const grouping groups(per_row{}, w.rows(), w.cols());
  buffer<std::uint8_t> codes(static_cast<std::size_t>(w.rows() * w.cols()));
  scale_array scales(f32_scales, groups.count());
  const index_t height = w.panel_height(), cols = w.cols();
  if (cols > 0)
    parallel_for((w.rows() + height - 1) / height, threads, [&](index_t item) {
      const index_t first = item * height, count = std::min(height, w.rows() - first);
      std::vector<float> scratch;
      bitgauge::detail::finite_scratch finite;
      const row_source::panel rows = w.read(first, count, scratch);
      for (index_t r = 0; r < count; ++r) {
        bitgauge::detail::sanitize_row(rows.row(r), cols, cols, {first + r, 0}, nonfinite::reject, finite);
        scales.set(first + r, encode_vectorwise(rows.row(r), cols, codes.data() + (first + r) * cols));
      }
    });
  code_encoding encoding;
  encoding.bits = 8;
  encoding.is_signed = true;
  return {groups, std::move(encoding), std::move(codes), std::move(scales), {}};
}

}  // namespace detail

/// W (out x in) as signed bytes with a scale a row, by bitsandbytes' rule for rows: its codes, and
/// scale(r) = max |w(r, c)| / 127, where it keeps the maximum itself. Any real matrix, map or expression. Throws
/// data_error for NaN and infinity. `threads` as in options. Cost: two passes.
template <class Derived>
quantized_matrix quantize_vectorwise(const Eigen::DenseBase<Derived>& w, int threads = 0) {
  if constexpr (bitgauge::detail::is_column_vector<Derived>) {  // a matrix of one input here
    return quantize_vectorwise(Eigen::MatrixXf(w.derived().matrix().template cast<float>()), threads);
  } else {
    return bitgauge::detail::with_rows(
        w, [&](const row_source& rows) { return detail::quantize_rows(rows, threads); });
  }
}

}  // namespace bitgauge::bitsandbytes
