#pragma once

/// \file
/// A linear layer with quantized weights: float activations (W8A16, W4A16, ...) or 8-bit ones (W8A8, W4A8).

#include <bitgauge/error.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/layer/activation.hpp>
#include <bitgauge/layer/row_scales.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/range/observer/extent.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {

/// How a linear layer computes.
struct linear_options {
  /// What makes 8-bit codes of activations: static, or dynamic per sample (per_row) or per batch
  /// (per_tensor). None: they stay floats.
  std::optional<activation_quantizer> activations{};
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

/// Y = X W^T + b over samples x in, as a layer of torch.nn.Linear computes it; W is out x in.
///
///     const auto q = quantize(W, affine<4>{}, per_group{128});
///     const linear a(q, bias);                                                   // W4A16
///     const linear b(q, bias, {.activations = activation_quantizer::dynamic()}); // W4A8, a scale a sample
///     const linear c(q, bias, {.activations = activation_quantizer::frozen(p)}); // W4A8, static
///     const Eigen::MatrixXf Y = b(X);
///     b.forward_into(X, Y);                                                      // a matrix that is there
///
/// Weights: everything that packed_weights takes; ggml's blocks as linear(packed_weights(b), bias). Those
/// per_column are scaled with the activations: with 8-bit activations they need a scale a sample, which is
/// then that of x(c) * scale(c). X: float, double, half or bfloat16, any matrix, block, map or expression.
///
/// A sample's output depends on that sample alone, to the bit (per_tensor apart): NaN stays in its sample.
/// forward is safe from several threads at once. Once warm, forward_into fetches no memory where X and Y are
/// row-major floats. Cost: one product; see packed_weights.
class linear {
 public:
  linear() = default;
  /// Throws invalid_scheme for activations that these weights cannot have.
  explicit linear(const quantized_matrix& weights, const linear_options& how = {})
      : linear(packed_weights(weights), how) {}
  explicit linear(packed_weights weights, const linear_options& how = {})
      : weights_(std::move(weights)), threads_(how.threads) {
    if (how.activations) set_activations(*how.activations);
  }

  /// `bias`: one value an output, or an empty vector. Reals are kept as floats. Integers are those of an
  /// integer layer, at the scale of its sums, scale of activations * scale of weights (quantize_bias): they
  /// need static activations and one scale a row or for all weights. Throws shape_error for another count,
  /// invalid_scheme as above.
  template <class Bias>
  linear(const quantized_matrix& weights, const Eigen::DenseBase<Bias>& bias, const linear_options& how = {})
      : linear(weights, how) {
    if constexpr (std::is_integral_v<typename Bias::Scalar>)
      set_bias(bias, bias.size() > 0 ? scales_of_sums(weights) : std::vector<double>());
    else
      set_bias(bias, {});
  }
  template <class Bias>
  linear(packed_weights weights, const Eigen::DenseBase<Bias>& bias, const linear_options& how = {})
      : linear(std::move(weights), how) {
    static_assert(!std::is_integral_v<typename Bias::Scalar>,
                  "bitgauge: a bias of integers has the scale of the weights, which packed_weights no longer "
                  "tell: pass the quantized_matrix, or a bias of floats");
    set_bias(bias, {});
  }

  index_t inputs() const noexcept { return weights_.cols(); }
  index_t outputs() const noexcept { return weights_.rows(); }
  const packed_weights& weights() const noexcept { return weights_; }
  /// One value an output, or none.
  std::span<const float> bias() const noexcept { return bias_; }
  /// Whether activations stay floats or become codes.
  product_precision precision() const noexcept {
    return mode_ == activation_mode::floats ? product_precision::exact : product_precision::integer;
  }
  /// What a product reads: weights and bias.
  index_t bytes() const noexcept {
    return weights_.bytes() + static_cast<index_t>(bias_.size() * sizeof(float));
  }

  /// A float for each output, in X's storage order; a row vector of one.
  template <class X>
  using output_for =
      Eigen::Matrix<float, X::RowsAtCompileTime, Eigen::Dynamic,
                    X::IsRowMajor || X::RowsAtCompileTime == 1 ? Eigen::RowMajor : Eigen::ColMajor>;

  /// Y, samples x out. Throws shape_error unless a sample (row) has inputs() values.
  template <class X>
  output_for<X> forward(const Eigen::DenseBase<X>& x) const {
    output_for<X> y(x.rows(), outputs());
    forward_into(x, y);
    return y;
  }
  template <class X>
  output_for<X> operator()(const Eigen::DenseBase<X>& x) const {
    return forward(x);
  }

  /// The same into a matrix, map or block that is there and shares no memory with X. Throws shape_error.
  template <class X, class Y>
  void forward_into(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<Y>& y) const {
    static_assert(
        real_scalar<typename X::Scalar>,
        "bitgauge: linear takes float, double, Eigen::half or Eigen::bfloat16: write x.cast<float>()");
    auto& out = const_cast<Y&>(y.derived());
    if (x.cols() != inputs() || out.rows() != x.rows() || out.cols() != outputs()) refuse_shapes(x, out);
    if (x.rows() == 0 || outputs() == 0) return;
    if constexpr (detail::is_addressable<X>) {
      multiply_into(x.derived(), out);
    } else {
      const typename X::PlainObject evaluated = x.derived();
      multiply_into(evaluated, out);
    }
  }

 private:
  enum class activation_mode : std::uint8_t { floats, frozen, by_sample, by_batch };

  [[gnu::noinline]] void set_activations(const activation_quantizer& activations) {
    const auto shared = activations.groups().what;
    if (shared == granularity::kind::column)
      raise(
          invalid_scheme("linear: activations: expected one scale a sample (per_row) or for all "
                         "(per_tensor), found per_column, one an input"));
    mode_ = shared == granularity::kind::row ? activation_mode::by_sample : activation_mode::by_batch;
    if (activations.is_static()) mode_ = activation_mode::frozen;
    if (weights_.view().column_scales != nullptr && mode_ != activation_mode::by_sample)
      raise(
          invalid_scheme("linear: weights per_column: expected activations that stay floats or have a scale "
                         "a sample, found one scale for all"));
    grid_ = activations.grid();
    frozen_ = activations.frozen_parameters();
  }

  /// Integers become reals by `scales`; reals have none.
  template <class Bias>
  void set_bias(const Eigen::DenseBase<Bias>& bias, const std::vector<double>& scales) {
    if (bias.size() != 0 && bias.size() != outputs())
      detail::raise_message<shape_error>(
          {"linear: bias: expected ", outputs(), " values, found ", bias.size()});
    const auto& values = bias.derived().eval();
    for (index_t r = 0; r < bias.size(); ++r) {
      if constexpr (std::is_integral_v<typename Bias::Scalar>)
        bias_.push_back(
            static_cast<float>(static_cast<double>(values(r)) * scales[static_cast<std::size_t>(r)]));
      else
        bias_.push_back(static_cast<float>(values(r)));
    }
  }
  std::vector<double> scales_of_sums(const quantized_matrix& weights) const {
    if (mode_ != activation_mode::frozen)
      raise(
          invalid_scheme("linear: bias of integers: expected static activations, which give it a scale, "
                         "found others: pass floats"));
    std::vector<double> scales;
    for (const float scale : detail::row_scales_of(weights, "linear: bias of integers").scales)
      scales.push_back(static_cast<double>(frozen_.scale) * static_cast<double>(scale));
    return scales;
  }

  [[noreturn, gnu::cold]] void refuse_shapes(index_t rows, index_t cols, index_t out_rows,
                                             index_t out_cols) const {
    detail::raise_message<shape_error>({"linear of ", inputs(), " inputs and ", outputs(),
                                        " outputs: expected samples as rows, found ", rows, " x ", cols,
                                        " into ", out_rows, " x ", out_cols});
  }
  template <class X, class Y>
  [[noreturn, gnu::cold]] void refuse_shapes(const X& x, const Y& y) const {
    refuse_shapes(x.rows(), x.cols(), y.rows(), y.cols());
  }

  /// X in place.
  template <class X, class Y>
  void multiply_into(const X& x, Y& y) const {
    product_options options;
    options.bias = bias_;
    options.threads = threads_;
    options.precision = precision();
    options.activation_block = whole_sample;
    options.activations = grid_;
    if (mode_ == activation_mode::frozen) options.frozen = frozen_;
    if (mode_ == activation_mode::by_batch) options.frozen = parameters_of_batch(x);
    if constexpr (detail::is_addressable<Y>) {
      weights_.multiply(as_columns(x), as_columns(y), options);
    } else {
      output_for<X> floats(y.rows(), y.cols());
      weights_.multiply(as_columns(x), as_columns(floats), options);
      y.matrix() = floats.template cast<typename Y::Scalar>();
    }
  }
  /// A product's samples are columns. A map is read and written as it is; const is for products to keep.
  template <class M>
  static auto as_columns(M& m) {
    if constexpr (detail::matrix_input<M>)
      return m.transpose();
    else
      return m.matrix().transpose();
  }

  /// One scale for all that is finite in a batch.
  template <class X>
  parameters parameters_of_batch(const X& x) const {
    detail::extent all;
    all.low = all.high = 0;
    detail::with_rows(x, [&](const row_source& rows) {
      std::vector<float> scratch;
      for (index_t r = 0; r < rows.rows(); ++r) {
        const auto row = rows.read(r, 1, scratch);
        all.widen(detail::extent::of({row.data, static_cast<std::size_t>(rows.cols())}));
      }
    });
    const interval range{all.low, all.high};
    const float scale = grid_.scale_for(range);
    return {scale > 0 ? scale : 1.0f, grid_.zero_point_for(range, scale)};
  }

  packed_weights weights_;
  std::vector<float> bias_;
  integer_grid grid_{};
  parameters frozen_{};
  activation_mode mode_ = activation_mode::floats;
  int threads_ = 0;
};

}  // namespace bitgauge
