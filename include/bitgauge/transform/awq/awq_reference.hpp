#pragma once

/// \file
/// How AWQ's own program rounds weights while it searches.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitgauge {

/// Weights rounded to what codes stand for, without the codes.
class awq_rounded {
 public:
  explicit awq_rounded(row_matrix values) : values_(std::move(values)) {}

  index_t rows() const noexcept { return values_.rows(); }
  index_t cols() const noexcept { return values_.cols(); }
  void dequantize_row(index_t row, float* out) const {
    std::copy_n(values_.data() + row * cols(), cols(), out);
  }
  const row_matrix& dequantize(int = 0) const noexcept { return values_; }

 private:
  row_matrix values_;
};

/// pseudo_quantize_tensor of mit-han-lab/llm-awq, quantizer.py, all in binary32: per row or group along it
///
///     scale = max(max - min, 1e-5) / (2^b - 1),  z = clamp(-rint(min / scale), 0, 2^b - 1)
///     w' = (clamp(rint(w / scale) + z, 0, 2^b - 1) - z) * scale
///
/// and without zero points scale = max(max|w|, 1e-5) / (2^(b-1) - 1), z = 0, codes -2^(b-1) .. 2^(b-1) - 1.
/// It departs from `affine<B>` in three ways: [min, max] is not widened to hold 0, so that weights of 5 .. 6
/// are cut off at 1; scales have a least value; w is divided by the scale, where quantize() multiplies by its
/// inverse. The last decides where weights are clipped to [-m, m]: then m / scale is half-way between two
/// codes. For comparisons with that program:
///
///     awq(W, stats, H, awq_options::reference(), awq_reference_quantizer{4, per_group{128}});
///     awq_clip(W, H, per_group{128}, awq_reference_quantizer{4, per_group{128}});
///
/// Throws invalid_scheme for bits outside 1..8, or 2..8 without zero points, and for groups that span rows.
struct awq_reference_quantizer {
  int bits = 4;
  granularity groups = per_row{};
  bool zero_points = true;

  awq_rounded operator()(const row_matrix& weights) const {
    detail::require_bits(bits);
    const grouping runs(groups, weights.rows(), weights.cols());
    if (!runs.within_rows() || (bits == 1 && !zero_points))
      raise(invalid_scheme(
          "awq_reference_quantizer: expected groups within rows, and 2 bits without zero points, "
          "found others"));
    row_matrix rounded = weights;
    for (index_t r = 0; r < weights.rows(); ++r)
      for (index_t c = 0; c < weights.cols(); c += runs.run())
        round(rounded.data() + r * weights.cols() + c, std::min(runs.run(), weights.cols() - c));
    return awq_rounded(std::move(rounded));
  }

 private:
  void round(float* w, index_t count) const {
    constexpr float least = 1e-5f;
    const auto [min, max] = std::minmax_element(w, w + count);
    const auto half = static_cast<float>(1 << (bits - 1));
    const float low = zero_points ? 0 : -half, high = zero_points ? 2 * half - 1 : half - 1;
    const float reach = zero_points ? *max - *min : std::max(-*min, *max);
    const float scale = std::max(reach, least) / high;
    const float z = zero_points ? std::clamp(-std::nearbyint(*min / scale), low, high) : 0;
    for (index_t i = 0; i < count; ++i)
      w[i] = (std::clamp(std::nearbyint(w[i] / scale) + z, low, high) - z) * scale;
  }
};

}  // namespace bitgauge
