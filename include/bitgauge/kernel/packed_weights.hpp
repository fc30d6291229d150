#pragma once

/// \file
/// Weights laid out once for products with this processor's instructions.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/kernel/pack/pack_matrix.hpp>
#include <bitgauge/kernel/product/product.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <concepts>
#include <memory>

namespace bitgauge {
namespace gguf {
class block_matrix;
}

/// The weights of Y = W X, W (out x in) quantized, X in x samples, Y out x samples: Eigen's mathematics.
///
///     const packed_weights P(q);
///     Eigen::MatrixXf Y = P * X;                                     // float activations
///     P.multiply(X, Y, {.precision = product_precision::integer});   // 8-bit activations
///
/// Copies share their memory. Several threads may multiply at once. See kernel/pack/layout.hpp for the layout.
///
/// Accuracy, with n the number of columns, e = 2^-24 and |W||X| the product of magnitudes (of weights scale *
/// (|code - m| + |zero point - m|), m the middle code, scale * |level| or scale * |level| + |minimum|):
/// exact: |Y - W X| <= (n + 8) e (|W||X| + |bias|). integer: that, with the activations as rounded to codes: off
/// by half a step, a 254th of the largest magnitude of their block (a 510th of the extent on an affine grid), and
/// with levels that are no multiples of a common step, such as those of NF4, rounded to 127ths of the largest.
/// Levels by row (lookup) are packed as codes of 8 bits, whatever the precision, as no kernel has a table for each
/// row: exactly where they are stored as int8, else each off by at most a 254th of the largest of its row, which
/// `q * x` avoids.
/// bfloat16: |Y - W X| <= (2^-7 + 2^-16 + (n + 8) e) (|W||X| + |bias|); weights, activations and sums below 2^-126
/// may count as zero, weights and activations beyond the largest bfloat16 become infinite.
class packed_weights {
 public:
  packed_weights() : data_(std::make_shared<const kernel::packed_data>()) {}
  /// Packs. Cost: one pass over the codes. `threads` as in options. Weights by column are scaled with the
  /// activations, so an integer product rounds x(c) * scale(c).
  explicit packed_weights(const quantized_matrix& q, int threads = 0) : data_(kernel::pack(q, threads)) {}
  /// The same of ggml's blocks, from <bitgauge/gguf.hpp>.
  template <std::same_as<gguf::block_matrix> Blocks>
  explicit packed_weights(const Blocks& q, int threads = 0) {
    static_assert(
        requires { pack_weights(q, threads); }, "bitgauge: include <bitgauge/gguf.hpp> to pack its matrices");
    data_ = pack_weights(q, threads);
  }
  explicit packed_weights(std::shared_ptr<const kernel::packed_data> data) : data_(std::move(data)) {}

  index_t rows() const noexcept { return data_->view.rows; }
  index_t cols() const noexcept { return data_->view.cols; }
  /// What a product reads of them.
  index_t bytes() const noexcept { return data_->bytes(); }

  /// y = W x (+ bias). x: a matrix, vector, map, block or expression of float, double, half or bfloat16, any
  /// order and strides; y: one of the same, of the right shape, written whole; it must not overlap x. A sample
  /// (column) that holds NaN or infinity has outputs that are not finite, and no other is touched. The same
  /// bits for any number of threads, not of samples. Fetches no memory once it has been called for this shape, by this number
  /// of threads, with x that is in memory. Throws shape_error, and invalid_scheme for an activation_block that
  /// does not fit the groups.
  template <class X, class Y>
  void multiply(const Eigen::MatrixBase<X>& x, const Eigen::MatrixBase<Y>& y,
                const product_options& options = {}) const {
    static_assert(real_scalar<typename X::Scalar> && real_scalar<typename Y::Scalar>,
                  "bitgauge: products take float, double, Eigen::half and Eigen::bfloat16");
    // a temporary block is an output too, as for Eigen's own functions
    auto& out = const_cast<Y&>(y.derived());
    check(x.rows(), out.rows(), out.cols(), x.cols(), options);
    constexpr bool by_rows = Y::IsRowMajor;
    const kernel::product_target to =
        kernel::target_of(out.data(), by_rows ? out.outerStride() : out.innerStride(),
                          by_rows ? out.innerStride() : out.outerStride());
    kernel::with_samples(
        x.derived(), [&](const row_source& samples) { kernel::multiply(data_->view, samples, to, options); });
  }

  const kernel::weights_view& view() const noexcept { return data_->view; }

 private:
  void check(index_t in, index_t out, index_t out_samples, index_t samples,
             const product_options& options) const {
    if (in != cols())
      detail::raise_message<shape_error>({"product of ", rows(), " x ", cols(), " packed weights: expected ",
                                          cols(), " rows of input, found ", in});
    if (out != rows() || out_samples != samples)
      detail::raise_message<shape_error>({"product of ", rows(), " x ", cols(), " packed weights: expected ",
                                          rows(), " x ", samples, " outputs, found ", out, " x ",
                                          out_samples});
    if (!options.bias.empty() && std::ssize(options.bias) != rows())
      detail::raise_message<shape_error>({"product of ", rows(), " x ", cols(), " packed weights: expected ",
                                          rows(), " biases or none, found ", options.bias.size()});
    if (options.activations.width != 8)
      detail::raise_message<invalid_scheme>(
          {"product: expected activations of 8 bits, found ", options.activations.width});
    if (options.activation_block < 0)
      detail::raise_message<invalid_scheme>(
          {"product: activation_block: expected 0 or more, found ", options.activation_block});
  }

  std::shared_ptr<const kernel::packed_data> data_;
};

/// Y = W X with exact precision.
template <class X>
Eigen::Matrix<float, Eigen::Dynamic, X::ColsAtCompileTime> operator*(const packed_weights& w,
                                                                     const Eigen::MatrixBase<X>& x) {
  Eigen::Matrix<float, Eigen::Dynamic, X::ColsAtCompileTime> y(w.rows(), x.cols());
  w.multiply(x, y);
  return y;
}

}  // namespace bitgauge
