#pragma once

/// \file
/// A linear layer with quantized weights: float activations (W8A16, W4A16, ...) or 8-bit ones (W8A8, W4A8).

#include <bitgauge/error.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/layer/activation.hpp>
#include <bitgauge/layer/row_scales.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/range/observer/extent.hpp>

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
///     const linear a(q, bias);                                                        // W4A16
///     const linear b(q, bias, {.activations = activation_quantizer::dynamic()});      // W4A8, a scale a sample
///     const linear c(q, bias, {.activations = activation_quantizer::frozen(p)});      // W4A8, static
///     const Eigen::MatrixXf Y = b(X);
///     b.forward_into(X, Y);                                                           // a matrix that is there
///
/// Weights: everything that packed_weights takes. With 8-bit activations a row has one scale or groups of
/// them; per_column is refused, as its scales would have to go into the activations (divide W's columns by
/// them and multiply X's). X: float, double, half or bfloat16, any matrix, block, map or expression.
///
/// A sample's output depends on that sample alone, to the bit (per_tensor apart): NaN stays in its sample.
/// forward is safe from several threads at once. Once warm, forward_into fetches no memory where X and Y are
/// row-major floats. Cost: one product; see packed_weights.
class linear {
 public:
  linear() = default;
  /// Throws invalid_scheme for activations that these weights cannot have.
  explicit linear(const quantized_matrix& weights, linear_options how = {})
      : linear(packed_weights(weights), std::move(how)) {
    require_rows(weights);
  }
  explicit linear(packed_weights weights, linear_options how = {})
      : weights_(std::move(weights)), how_(std::move(how)) {
    require_samples();
  }

  /// `bias`: one value an output, or an empty vector. Reals are kept as floats. Integers are those of an
  /// integer layer, at the scale of its sums, scale of activations * scale of weights (quantize_bias): they
  /// need static activations and one scale a row or for all weights. Throws shape_error for another count,
  /// invalid_scheme as above.
  template <class Bias>
  linear(const quantized_matrix& weights, const Eigen::DenseBase<Bias>& bias, linear_options how = {})
      : linear(weights, std::move(how)) {
    set_bias(bias);
    if constexpr (std::is_integral_v<typename Bias::Scalar>) scale_bias(weights);
  }
  template <class Bias>
  linear(packed_weights weights, const Eigen::DenseBase<Bias>& bias, linear_options how = {})
      : linear(std::move(weights), std::move(how)) {
    static_assert(!std::is_integral_v<typename Bias::Scalar>,
                  "bitgauge: a bias of integers has the scale of the weights, which packed_weights no longer "
                  "tell: pass the quantized_matrix, or a bias of floats");
    set_bias(bias);
  }

  index_t inputs() const noexcept { return weights_.cols(); }
  index_t outputs() const noexcept { return weights_.rows(); }
  const packed_weights& weights() const noexcept { return weights_; }
  /// One value an output, or none.
  std::span<const float> bias() const noexcept { return bias_; }
  const std::optional<activation_quantizer>& activations() const noexcept { return how_.activations; }
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
  void require_rows(const quantized_matrix& weights) const {
    if (how_.activations && weights.groups().how().what == granularity::kind::column &&
        !weights.is_column_vector())
      raise(invalid_scheme(
          "linear with 8-bit activations: expected weights per tensor, row or group, found per_column: leave "
          "the activations floats, or divide the columns by their scales and multiply the inputs"));
  }
  [[gnu::noinline]] void require_samples() const {
    if (how_.activations && how_.activations->groups().what == granularity::kind::column)
      raise(
          invalid_scheme("linear: activations: expected one scale a sample (per_row) or for all "
                         "(per_tensor), found per_column, one an input"));
  }

  template <class Bias>
  void set_bias(const Eigen::DenseBase<Bias>& bias) {
    if (bias.size() != 0 && bias.size() != outputs())
      detail::raise_message<shape_error>(
          {"linear: bias: expected ", outputs(), " values, found ", bias.size()});
    const auto& values = bias.derived().eval();
    bias_.clear();
    for (index_t r = 0; r < bias.size(); ++r) bias_.push_back(static_cast<float>(values(r)));
  }
  void scale_bias(const quantized_matrix& weights) {
    if (!how_.activations || !how_.activations->is_static())
      raise(
          invalid_scheme("linear: bias of integers: expected static activations, which give it a scale, "
                         "found others: pass floats"));
    const detail::row_scales rows = detail::row_scales_of(weights, "linear: bias of integers");
    const auto input = static_cast<double>(how_.activations->frozen_parameters().scale);
    for (std::size_t r = 0; r < bias_.size(); ++r)
      bias_[r] =
          static_cast<float>(static_cast<double>(bias_[r]) * input * static_cast<double>(rows.scales[r]));
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
    options.threads = how_.threads;
    if (how_.activations) {
      options.precision = product_precision::integer;
      options.activation_block = whole_sample;
      options.activations = how_.activations->grid();
      if (how_.activations->is_static())
        options.frozen = how_.activations->frozen_parameters();
      else if (how_.activations->groups().what == granularity::kind::tensor)
        options.frozen = parameters_of_batch(x, options.activations);
    }
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
  static parameters parameters_of_batch(const X& x, const integer_grid& grid) {
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
    const float scale = grid.scale_for(range);
    return {scale > 0 ? scale : 1.0f, grid.zero_point_for(range, scale)};
  }

  packed_weights weights_;
  linear_options how_;
  std::vector<float> bias_;
};

}  // namespace bitgauge
