#pragma once

/// \file
/// Exact int32 sums of products of 8-bit codes, on every processor.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge::detail {

/// Weights less their zero points, as whole numbers of -255 to 255. Products of floats are exact on them: a
/// sum of 256 products is below 2^24 in magnitude, whatever the order and with or without contraction.
class integer_weights {
 public:
  integer_weights() = default;
  /// One zero point a row.
  integer_weights(const quantized_matrix& q, std::span<const std::int32_t> zero_points)
      : values_(q.codes_as<whole>()) {
    for (index_t r = 0; r < values_.rows(); ++r)
      values_.row(r).array() -= static_cast<std::int16_t>(zero_points[static_cast<std::size_t>(r)]);
  }

  index_t rows() const noexcept { return values_.rows(); }
  index_t cols() const noexcept { return values_.cols(); }
  index_t bytes() const noexcept { return values_.size() * index_t{sizeof(std::int16_t)}; }

  /// sum over c of |value(r, c)|.
  double magnitude_of_row(index_t r) const {
    double sum = 0;
    for (index_t c = 0; c < cols(); ++c) sum += std::abs(int{values_(r, c)});
    return sum;
  }

  /// y(s, r) = sum over c of (x(s, c) - x_zero_point) * value(r, c), samples being rows of x and of y. The
  /// sums of magnitudes must fit int32. Cost: a product of floats, and a conversion of the weights for each
  /// 64 samples.
  template <class X>
  void accumulate(const Eigen::MatrixBase<X>& x, std::int32_t x_zero_point, std::int32_t* y,
                  int threads) const {
    constexpr index_t together = 64, exact_columns = 256;
    const index_t samples = x.rows(), out = rows(), in = cols();
    parallel_for((samples + together - 1) / together, threads, [&](index_t block) {
      const index_t first = block * together, count = std::min(together, samples - first);
      Eigen::Map<sums> to(y + first * out, count, out);
      to.setZero();
      floats inputs, weights;
      for (index_t c = 0; c < in; c += exact_columns) {
        const index_t width = std::min(exact_columns, in - c);
        inputs = x.block(first, c, count, width).template cast<float>();
        inputs.array() -= static_cast<float>(x_zero_point);
        weights = values_.middleCols(c, width).template cast<float>();
        to += (inputs * weights.transpose()).eval().template cast<std::int32_t>();
      }
    });
  }

 private:
  template <class Number>
  using by_rows = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using whole = by_rows<std::int16_t>;
  using floats = by_rows<float>;
  using sums = by_rows<std::int32_t>;

  whole values_;
};

}  // namespace bitgauge::detail
