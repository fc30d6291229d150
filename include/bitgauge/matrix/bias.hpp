#pragma once

/// \file
/// Biases of integer layers: y = s_x * s_w * (integer sum + q_b).

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

namespace bitgauge {

/// Quantizes a bias to 16 or 32 bits with the scale of the accumulator: q = rint(b / (s_x * s_w)), zero point
/// 0, computed in double (Jacob et al., CVPR 2018, eq. 11).
///
/// \tparam Integer  std::int16_t or std::int32_t
/// \param bias      one value per output channel
/// \param input_scale    s_x
/// \param weight_scales  s_w, one per output channel or a single one
/// Throws shape_error where the counts disagree, data_error for a scale that is not positive and for a bias
/// that is not finite or does not fit the integer type: nothing wraps or saturates silently.
template <class Integer = std::int32_t, class Bias, class Scales>
Eigen::Matrix<Integer, Eigen::Dynamic, 1> quantize_bias(const Eigen::DenseBase<Bias>& bias,
                                                        double input_scale,
                                                        const Eigen::DenseBase<Scales>& weight_scales) {
  static_assert(std::is_same_v<Integer, std::int16_t> || std::is_same_v<Integer, std::int32_t>,
                "a bias is quantized to std::int16_t or std::int32_t");
  const auto values = bias.derived().template cast<double>().eval();
  const auto scales = weight_scales.derived().template cast<double>().eval();
  if (scales.size() != 1 && scales.size() != values.size())
    raise(shape_error("bias: expected 1 or " + std::to_string(values.size()) + " weight scales, found " +
                      std::to_string(scales.size())));
  Eigen::Matrix<Integer, Eigen::Dynamic, 1> codes(values.size());
  for (index_t i = 0; i < values.size(); ++i) {
    const double scale = input_scale * scales(scales.size() == 1 ? 0 : i);
    if (!(scale > 0 && scale <= std::numeric_limits<double>::max()))
      detail::raise_message<data_error>({"bias ", i, ": expected a positive scale, found ", scale});
    const double code = std::nearbyint(values(i) / scale);
    if (!(code >= std::numeric_limits<Integer>::min() && code <= std::numeric_limits<Integer>::max()))
      detail::raise_message<data_error>(
          {"bias ", i, ": ", values(i), " / ", scale, " does not fit ", 8 * sizeof(Integer), " bits"});
    codes(i) = static_cast<Integer>(code);
  }
  return codes;
}

/// The same with one scale for all channels.
template <class Integer = std::int32_t, class Bias>
Eigen::Matrix<Integer, Eigen::Dynamic, 1> quantize_bias(const Eigen::DenseBase<Bias>& bias,
                                                        double input_scale, double weight_scale) {
  return quantize_bias<Integer>(bias, input_scale, Eigen::Matrix<double, 1, 1>::Constant(weight_scale));
}

}  // namespace bitgauge
