#pragma once

/// \file
/// Weights laid out once for products with this processor's instructions.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/range/given.hpp>

#include <cstdint>

namespace bitgauge {

/// The weights of Y = W X, W (out x in) quantized, X in x samples, Y out x samples: Eigen's mathematics.
///
///     const packed_weights P(q);
///     Eigen::MatrixXf Y = P * X;                                           // float activations
///     P.multiply(X, Y, {.precision = product_precision::integer});         // no memory is fetched after warm-up
class packed_weights {
 public:
  packed_weights() = default;
  explicit packed_weights(const quantized_matrix& q) : q_(q) {}

  index_t rows() const noexcept { return q_.rows(); }
  index_t cols() const noexcept { return q_.cols(); }
  /// What a product reads of them.
  index_t bytes() const noexcept { return q_.storage_bytes(); }

  template <class X, class Y>
  void multiply(const Eigen::MatrixBase<X>& x, const Eigen::MatrixBase<Y>& y,
                const product_options& options = {}) const {
    auto& out = const_cast<Y&>(y.derived());
    if (x.rows() != cols() || out.rows() != rows() || out.cols() != x.cols())
      raise(shape_error("product: shapes"));
    Eigen::MatrixXf input = x.template cast<float>();
    if (options.precision == product_precision::integer)
      for (index_t s = 0; s < input.cols(); ++s) {
        const Eigen::RowVectorXf sample = input.col(s).transpose();
        const index_t run = options.activation_block > 0 ? options.activation_block : q_.groups().run();
        const granularity g = run >= cols() ? granularity(per_row{}) : granularity(per_group{run});
        input.col(s) =
            (options.frozen ? quantize(sample, options.activations, per_tensor{},
                                       given_parameters({options.frozen->scale}, {options.frozen->zero_point}))
                            : quantize(sample, options.activations, g))
                .template dequantize<Eigen::RowVectorXf>()
                .transpose();
      }
    Eigen::MatrixXf product = q_.dequantize() * input;
    for (index_t r = 0; r < std::ssize(options.bias); ++r) product.row(r).array() += options.bias[static_cast<std::size_t>(r)];
    out = product.template cast<typename Y::Scalar>();
  }

  /// Accumulators of integer products: out(r, s) = sum over c of (code(r, c) - zero_point(r)) * (x(c, s) -
  /// x_zero_point), exactly. Weights on an integer grid, one scale a row or for all.
  template <class X, class Y>
  void accumulate(const Eigen::MatrixBase<X>& x, int x_zero_point, const Eigen::MatrixBase<Y>& y, int threads = 0) const {
    (void)threads;
    auto& out = const_cast<Y&>(y.derived());
    Eigen::MatrixXi w = q_.codes_as();
    for (index_t r = 0; r < rows(); ++r) w.row(r).array() -= q_.zero_point(q_.groups().group_of(r, 0));
    out = w * (x.template cast<int>().array() - x_zero_point).matrix();
  }

 private:
  quantized_matrix q_;
};

template <class X>
Eigen::Matrix<float, Eigen::Dynamic, X::ColsAtCompileTime> operator*(const packed_weights& w,
                                                                     const Eigen::MatrixBase<X>& x) {
  Eigen::Matrix<float, Eigen::Dynamic, X::ColsAtCompileTime> y(w.rows(), x.cols());
  w.multiply(x, y);
  return y;
}

}  // namespace bitgauge
