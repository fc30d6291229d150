#pragma once

/// \file
/// A linear layer in integers alone: 8-bit codes in, int32 sums, 8-bit codes out.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/kernel/product/integer_weights.hpp>
#include <bitgauge/kernel/requantize.hpp>
#include <bitgauge/layer/row_scales.hpp>
#include <bitgauge/matrix/bias.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace bitgauge {

/// What a layer's activations share: real = scale * (code - zero_point).
struct activation_parameters {
  double scale = 1;
  std::int32_t zero_point = 0;

  constexpr activation_parameters() = default;
  constexpr activation_parameters(double s, std::int32_t z) : scale(s), zero_point(z) {}
  /// As an observer or a static activation_quantizer has them.
  constexpr activation_parameters(parameters p)
      : scale(static_cast<double>(p.scale)), zero_point(p.zero_point) {}

  friend constexpr bool operator==(const activation_parameters&, const activation_parameters&) = default;
};

/// How the sums of an integer_linear become codes.
struct integer_linear_options {
  requantization form = requantization::exact;
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

/// Y = X W^T + b over samples x in, where X, W and Y are 8-bit codes and b is int32 at the scale of the sums:
///
///     sum(s, r)  = sum over c of (x(s, c) - zero point of x) * (w(r, c) - zero point of w) + b(r)
///     y(s, r)    = clamp(round(sum * scale of x * scale of w / scale of y) + zero point of y)
///
///     const auto q = quantize(W, symmetric<8>{});                       // or from_codes(), of int8 or uint8
///     const integer_linear layer(q, bias, x_parameters, y_parameters);  // a bias of floats is quantized
///     Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic> Y = layer.forward(X);
///
/// Codes of X and Y are std::int8_t or std::uint8_t, each as its matrix says; weights are on an integer grid,
/// signed or not, one scale a row or for all. Sums are exact: a layer whose inputs could overflow int32 is
/// refused. forward is safe from several threads at once. Cost: one integer product, and one pass over the
/// outputs.
class integer_linear {
 public:
  /// Without a bias.
  integer_linear(const quantized_matrix& weights, activation_parameters input, activation_parameters output,
                 const integer_linear_options& how = {})
      : integer_linear(weights, Eigen::VectorXi(), input, output, how) {}

  /// `bias`: one value an output, or none: integers as they are, or reals, rounded to the scale of the sums
  /// (quantize_bias). Throws invalid_scheme for other weights, shape_error for another count of biases,
  /// data_error for a scale that is not positive and finite and for a bias that does not fit.
  template <class Bias>
  integer_linear(const quantized_matrix& weights, const Eigen::DenseBase<Bias>& bias,
                 activation_parameters input, activation_parameters output,
                 const integer_linear_options& how = {})
      : input_(input), output_(output), how_(how) {
    require_scale("inputs", input);
    require_scale("outputs", output);
    const detail::row_scales rows = detail::row_scales_of(weights, "integer_linear");
    if (bias.size() != 0 && bias.size() != weights.rows())
      detail::raise_message<shape_error>(
          {"integer_linear: bias: expected ", weights.rows(), " values, found ", bias.size()});
    weights_ = detail::integer_weights(weights, rows.zero_points, how.threads);
    std::vector<double> multipliers;
    Eigen::VectorXd scales(weights.rows());
    for (index_t r = 0; r < weights.rows(); ++r) {
      const double scale = static_cast<double>(rows.scales[static_cast<std::size_t>(r)]);
      // a row of zeros: its sum is the bias, which any scale can hold
      scales(r) = scale > 0 ? scale : output.scale / input.scale;
      multipliers.push_back(multiplier(scales(r)));
    }
    codes_ = requantizer(multipliers, output.zero_point, how.form);
    if (bias.size() > 0) set_bias(bias.derived(), scales);
    measure_reach();
  }

  index_t inputs() const noexcept { return weights_.cols(); }
  index_t outputs() const noexcept { return weights_.rows(); }
  /// Of weights and bias.
  index_t bytes() const noexcept {
    return weights_.bytes() + static_cast<index_t>(bias_.size() * sizeof(std::int32_t));
  }
  /// At the scale of the sums; empty where there is none.
  std::span<const std::int32_t> bias() const noexcept { return bias_; }
  const activation_parameters& input() const noexcept { return input_; }
  const activation_parameters& output() const noexcept { return output_; }

  /// The codes of Y, samples x out, of the type of X's codes or of the one named: forward<std::int8_t>(X).
  template <class Code = void, class X>
  auto forward(const Eigen::MatrixBase<X>& x) const {
    using code = std::conditional_t<std::is_void_v<Code>, typename X::Scalar, Code>;
    Eigen::Matrix<code, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> y(x.rows(), outputs());
    forward_into(x, y);
    return y;
  }
  template <class X>
  auto operator()(const Eigen::MatrixBase<X>& x) const {
    return forward(x);
  }

  /// The same into a matrix, map or block that is there. Throws shape_error, and invalid_scheme where a zero
  /// point is none of a matrix's codes.
  template <class X, class Y>
  void forward_into(const Eigen::MatrixBase<X>& x, const Eigen::MatrixBase<Y>& y) const {
    using code = typename Y::Scalar;
    static_assert(byte_code<code>, "bitgauge: integer_linear writes std::int8_t or std::uint8_t");
    auto& out = const_cast<Y&>(y.derived());
    require_shapes(x, out);
    require_zero_point<code>("outputs", output_.zero_point);
    if constexpr (detail::is_addressable<Y> && Y::IsRowMajor) {
      if (out.innerStride() == 1) return write(x, out.data(), out.outerStride());
    }
    Eigen::Matrix<code, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows(x.rows(), outputs());
    write(x, rows.data(), outputs());
    out = rows;
  }

  /// The sums themselves, bias included, samples x out.
  template <class X>
  Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> accumulate(
      const Eigen::MatrixBase<X>& x) const {
    Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> y(x.rows(), outputs());
    require_shapes(x, y);
    sums_into(x, y.data());
    if (!bias_.empty()) y.rowwise() += Eigen::Map<const Eigen::RowVectorXi>(bias_.data(), std::ssize(bias_));
    return y;
  }

 private:
  static void require_scale(const char* what, activation_parameters p) {
    if (!numeric::binary64::is_finite(p.scale) || !(p.scale > 0))
      detail::raise_message<data_error>(
          {"integer_linear: scale of ", what, ": expected a finite number above 0, found ", p.scale});
  }
  template <class Code>
  static void require_zero_point(const char* what, std::int32_t zero_point) {
    constexpr int lowest = std::numeric_limits<Code>::min(), highest = std::numeric_limits<Code>::max();
    if (zero_point < lowest || zero_point > highest)
      detail::raise_message<invalid_scheme>({"integer_linear: zero point of ", what, ": expected ", lowest,
                                             " to ", highest, ", the codes of their matrix, found ",
                                             zero_point});
  }
  template <class X, class Y>
  void require_shapes(const X& x, const Y& y) const {
    static_assert(byte_code<typename X::Scalar>,
                  "bitgauge: integer_linear reads codes of std::int8_t or std::uint8_t");
    if (x.cols() != inputs() || y.rows() != x.rows() || y.cols() != outputs())
      detail::raise_message<shape_error>({"integer_linear of ", inputs(), " inputs and ", outputs(),
                                          " outputs: expected samples as rows, found ", x.rows(), " x ",
                                          x.cols(), " into ", y.rows(), " x ", y.cols()});
  }

  double multiplier(double weight_scale) const {
    if (how_.form != requantization::single) return input_.scale * weight_scale / output_.scale;
    return static_cast<double>(static_cast<float>(input_.scale) * static_cast<float>(weight_scale) /
                               static_cast<float>(output_.scale));
  }

  template <class Bias>
  void set_bias(const Bias& bias, const Eigen::VectorXd& scales) {
    if constexpr (std::is_integral_v<typename Bias::Scalar>) {
      for (index_t r = 0; r < bias.size(); ++r) {
        const auto value = static_cast<std::int64_t>(bias(r));
        if (value != static_cast<std::int32_t>(value))
          detail::raise_message<data_error>(
              {"integer_linear: bias ", r, ": expected 32 bits, found ", value});
        bias_.push_back(static_cast<std::int32_t>(value));
      }
    } else {
      const Eigen::VectorXi codes = quantize_bias(bias, input_.scale, scales);
      bias_.assign(codes.data(), codes.data() + codes.size());
    }
  }

  /// The largest magnitude that a sum can have, for inputs of either type.
  void measure_reach() {
    for (index_t r = 0; r < outputs(); ++r) {
      const double sum = weights_.magnitude_of_row(r);
      const double offset =
          bias_.empty() ? 0 : std::abs(static_cast<double>(bias_[static_cast<std::size_t>(r)]));
      signed_reach_ = std::max(signed_reach_, sum * farthest<std::int8_t>() + offset);
      unsigned_reach_ = std::max(unsigned_reach_, sum * farthest<std::uint8_t>() + offset);
    }
  }
  template <class Code>
  double farthest() const {
    const double below = input_.zero_point - std::numeric_limits<Code>::min(),
                 above = std::numeric_limits<Code>::max() - input_.zero_point;
    return std::max(below, above);
  }

  template <class X>
  void sums_into(const Eigen::MatrixBase<X>& x, std::int32_t* y) const {
    using code = typename X::Scalar;
    require_zero_point<code>("inputs", input_.zero_point);
    const double reach = std::is_signed_v<code> ? signed_reach_ : unsigned_reach_;
    if (reach > static_cast<double>(std::numeric_limits<std::int32_t>::max()))
      detail::raise_message<data_error>(
          {"integer_linear of ", inputs(),
           " inputs: expected sums of at most 2147483647, found codes that can reach ", reach});
    weights_.accumulate(x, input_.zero_point, y, how_.threads);
  }

  template <class Code, class X>
  void write(const Eigen::MatrixBase<X>& x, Code* out, index_t stride) const {
    const index_t count = outputs();
    const auto scratch = scratch_->borrow();
    scratch->resize(static_cast<std::size_t>(x.rows() * count));
    sums_into(x, scratch->data());
    parallel_for(x.rows(), how_.threads, [&](index_t s) {
      const auto row = static_cast<std::size_t>(count);
      codes_(std::span<const std::int32_t>(scratch->data() + s * count, row), bias_,
             std::span<Code>(out + s * stride, row));
    });
  }

  detail::integer_weights weights_;
  activation_parameters input_, output_;
  integer_linear_options how_;
  requantizer codes_;
  std::vector<std::int32_t> bias_;
  double signed_reach_ = 0, unsigned_reach_ = 0;
  std::shared_ptr<detail::scratch_pool<std::vector<std::int32_t>>> scratch_ =
      std::make_shared<detail::scratch_pool<std::vector<std::int32_t>>>();
};

}  // namespace bitgauge
