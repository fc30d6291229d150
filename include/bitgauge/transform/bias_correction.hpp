#pragma once

/// \file
/// The shift of a layer's mean output that quantized weights cause, to be added to its bias.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bitgauge {

/// (W - Q) E[x]: what the outputs of the quantized layer lack on average (Nagel et al., ICCV 2019, section
/// 4.2), a value an output. Added to the bias it makes the mean error of every output 0 on the samples seen.
///
///     const auto q = quantize(W, affine<4>{}, per_group{128});
///     bias += bias_correction(W, q, stats);
///
/// W: out x in, any Eigen matrix. q: anything with rows(), cols() and dequantize_row(). `mean`: E[x], a vector
/// of either orientation. Sums are doubles. Throws shape_error where shapes disagree, data_error where an
/// output is not finite, as of weights that hold NaN. Cost: one pass over W and over Q.
template <class Derived, row_decodable Quantized, class Mean>
Eigen::VectorXf bias_correction(const Eigen::DenseBase<Derived>& weights, const Quantized& q,
                                const Eigen::DenseBase<Mean>& mean, int threads = 0) {
  detail::require_same_shape("bias_correction", weights.rows(), weights.cols(), q.rows(), q.cols());
  if (mean.size() != q.cols())
    detail::raise_message<shape_error>(
        {"bias_correction: expected the mean of ", q.cols(), " inputs, found ", mean.size()});
  const Eigen::VectorXd x = mean.derived().reshaped().matrix().template cast<double>();
  Eigen::VectorXf shift(q.rows());
  detail::with_rows(weights, [&](const row_source& source) {
    constexpr index_t height = 64;
    parallel_for((source.rows() + height - 1) / height, threads, [&](index_t part) {
      const index_t first = part * height, count = std::min(height, source.rows() - first);
      std::vector<float> scratch, decoded(static_cast<std::size_t>(source.cols()));
      const auto panel = source.read(first, count, scratch);
      for (index_t r = 0; r < count; ++r) {
        q.dequantize_row(first + r, decoded.data());
        double sum = 0;
        for (index_t c = 0; c < source.cols(); ++c)
          sum += (static_cast<double>(panel.row(r)[c]) -
                  static_cast<double>(decoded[static_cast<std::size_t>(c)])) *
                 x(c);
        shift(first + r) = static_cast<float>(sum);
      }
    });
  });
  for (index_t r = 0; r < shift.size(); ++r)
    if (!numeric::is_finite(shift(r)))
      detail::raise_message<data_error>(
          {"bias_correction: output ", r,
           ": expected weights and means of finite values, found NaN or infinity"});
  return shift;
}

/// The same with the mean of what was observed.
template <class Derived, row_decodable Quantized>
Eigen::VectorXf bias_correction(const Eigen::DenseBase<Derived>& weights, const Quantized& q,
                                const activation_stats& stats, int threads = 0) {
  return bias_correction(weights, q, stats.mean(), threads);
}

/// Of rewritten weights, q quantizing weights.weights(); `stats` are of the original inputs.
template <input_transform T, row_decodable Quantized>
Eigen::VectorXf bias_correction(const transformed<T>& weights, const Quantized& q,
                                const activation_stats& stats, int threads = 0) {
  return bias_correction(weights.weights(), q, weights.inputs(stats.mean()), threads);
}

}  // namespace bitgauge
