#pragma once

/// \file
/// LLM.int8: a linear layer of 8-bit codes whose few inputs with huge values stay floats.

#include <bitgauge/bitsandbytes/vectorwise.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/kernel/product/integer_sums.hpp>
#include <bitgauge/kernel/product/product_target.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/layer/outlier_product.hpp>
#include <bitgauge/layer/row_scales.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// Where the outliers of a batch are looked for.
enum class outlier_search : std::uint8_t {
  batch,   ///< a column with an outlier in any sample is one in all: LLM.int8's own way
  sample,  ///< each sample has its own: what others of the batch hold does not matter
};

/// How an llm_int8 layer computes.
struct llm_int8_options {
  float threshold = 6;  ///< magnitudes from here up are outliers; 0: none is
  outlier_search search = outlier_search::batch;
  /// Columns that are outliers whatever a batch holds, instead of those that the threshold finds: see
  /// outlier_columns().
  std::optional<std::vector<index_t>> frozen{};
  /// Scale sums of integers by 1 / 127^2 as it is. bitsandbytes has 6.200124e-05 for it, 1.8e-5 more, and its outputs
  /// with it, which these are by default.
  bool exact_constant = false;
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

/// The inputs whose largest magnitude in calibration reaches the threshold, ascending. Throws data_error before the
/// first sample.
inline std::vector<index_t> outlier_columns(const activation_stats& stats, float threshold = 6) {
  std::vector<index_t> columns;
  const Eigen::VectorXd& largest = stats.absolute_maximum();
  for (index_t c = 0; c < largest.size(); ++c)
    if (largest(c) >= static_cast<double>(threshold)) columns.push_back(c);
  return columns;
}

/// What an llm_int8 layer makes of a batch, to look at: X is near scales(s) * codes(s, c), and its values in `outliers`
/// where these stay floats.
struct llm_int8_parts {
  template <class Number>
  using by_rows = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  std::vector<index_t> outliers;  ///< columns, ascending
  by_rows<std::int8_t> codes;     ///< samples x in; 0 where a value stays a float
  Eigen::VectorXf scales;         ///< of each sample
  by_rows<std::int32_t> sums;     ///< samples x out: of products of codes with those of the weights
};

/// Y = X W^T + b over samples x in, W out x in, as LLM.int8 computes it (Dettmers et al., "LLM.int8(): 8-bit matrix
/// multiplication for transformers at scale", NeurIPS 2022):
///
///     q(s, c)  = rint(x(s, c) * 127 / m(s)), m(s) the largest magnitude of sample s below the threshold,
///     y(s, r)  = m(s)/127 * scale(r) * sum over c not in O of q(s, c) * code(r, c)
///              + sum over c in O of x(s, c) * scale(r) * code(r, c)  + b(r)       (see exact_constant)
///
/// where O are the columns of X that hold a magnitude from the threshold up, and code, scale the weights by
/// bitsandbytes::quantize_vectorwise. The first sum is of integers.
///
///     const llm_int8 layer(W, {.threshold = 6});
///     const Eigen::MatrixXf Y = layer(X);
///     outlier_report found;
///     layer.forward(X, &found);                                      // found.columns, found.share_of_time()
///     const llm_int8 still(W, bias, {.frozen = outlier_columns(stats, 6)});  // of calibration
///
/// X: as linear takes it. A sample that holds NaN or infinity has outputs that are NaN, and makes no column an
/// outlier. Otherwise others of a batch matter to a sample by their outliers alone, and not at all with
/// outlier_search::sample or `frozen`, but for the rounding of float sums. With `frozen`, m(s) is that of all other
/// columns. forward is const and safe from several threads at once, and once warm, forward_into fetches no memory
/// where X and Y are row-major floats.
///
/// Memory: a byte a weight and a float a row; no copy of floats, as the outliers' weights are gathered from the
/// packed codes at each call. Cost: a W8A8 product, a pass over X, and for k outliers a product of floats with k
/// inputs. bitsandbytes computes in binary16, and so differs from this by binary16's rounding.
class llm_int8 {
 public:
  /// Any real matrix of weights. Throws data_error for NaN and infinity in it, invalid_scheme for a threshold that is
  /// negative or NaN, shape_error for frozen columns that are none.
  template <class W>
  explicit llm_int8(const Eigen::DenseBase<W>& weights, const llm_int8_options& how = {})
      : llm_int8(bitsandbytes::quantize_vectorwise(weights, how.threads), how) {}
  /// `bias`: a real number an output, or an empty vector. Throws shape_error for another count.
  template <class W, class Bias>
  llm_int8(const Eigen::DenseBase<W>& weights, const Eigen::DenseBase<Bias>& bias,
           const llm_int8_options& how = {})
      : llm_int8(bitsandbytes::quantize_vectorwise(weights, how.threads), bias, how) {}
  /// Weights of 8 bits that are there: symmetric ones, a scale a row or for all. Throws invalid_scheme for others.
  explicit llm_int8(const quantized_matrix& weights, const llm_int8_options& how = {}) : how_(how) {
    require_weights(weights);
    require_options(weights.cols());
    weights_ = packed_weights(weights, how.threads);
  }
  template <class Bias>
  llm_int8(const quantized_matrix& weights, const Eigen::DenseBase<Bias>& bias,
           const llm_int8_options& how = {})
      : llm_int8(weights, how) {
    if (bias.size() != 0 && bias.size() != outputs())
      detail::raise_message<shape_error>(
          {"llm_int8: bias: expected ", outputs(), " values, found ", bias.size()});
    const Eigen::Matrix<typename Bias::Scalar, Eigen::Dynamic, 1> values = bias.derived().matrix().reshaped();
    for (index_t r = 0; r < values.size(); ++r) bias_.push_back(static_cast<float>(values(r)));
  }

  index_t inputs() const noexcept { return weights_.cols(); }
  index_t outputs() const noexcept { return weights_.rows(); }
  const packed_weights& weights() const noexcept { return weights_; }
  /// One value an output, or none.
  std::span<const float> bias() const noexcept { return bias_; }
  const llm_int8_options& options() const noexcept { return how_; }
  /// What a product reads: weights and bias.
  index_t bytes() const noexcept {
    return weights_.bytes() + static_cast<index_t>(bias_.size() * sizeof(float));
  }

  /// Y, samples x out. Where there is a `report`, it says what stayed floats and what that cost. Throws shape_error
  /// unless a sample (row) has inputs() values.
  template <class X>
  linear::output_for<X> forward(const Eigen::DenseBase<X>& x, outlier_report* report = nullptr) const {
    linear::output_for<X> y(x.rows(), outputs());
    forward_into(x, y, report);
    return y;
  }
  template <class X>
  linear::output_for<X> operator()(const Eigen::DenseBase<X>& x) const {
    return forward(x);
  }

  /// The same into a matrix, map or block that is there and shares no memory with X. Throws shape_error.
  template <class X, class Y>
  void forward_into(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<Y>& y,
                    outlier_report* report = nullptr) const {
    auto& out = const_cast<Y&>(y.derived());
    require_shapes(x.rows(), x.cols(), out.rows(), out.cols());
    if constexpr (std::same_as<typename Y::Scalar, float> && detail::is_addressable<Y>) {
      const index_t outer = out.outerStride(), inner = out.innerStride();
      const detail::float_target to{out.data(), Y::IsRowMajor ? outer : inner, Y::IsRowMajor ? inner : outer};
      with_samples(x, [&](const row_source& samples) {
        detail::multiply_with_outliers(weights_.view(), bias_, rule(), samples, to, report);
      });
    } else {
      out.matrix() = forward(x, report).template cast<typename Y::Scalar>();
    }
  }

  /// The columns of a batch that stay floats, ascending, without the product.
  template <class X>
  std::vector<index_t> outliers(const Eigen::DenseBase<X>& x) const {
    require_shapes(x.rows(), x.cols(), x.rows(), outputs());
    std::vector<index_t> columns;
    with_samples(x, [&](const row_source& samples) { detail::find_outliers(samples, rule(), columns); });
    return columns;
  }

  /// Codes, scales and exact sums of a batch: what forward adds up before it scales. Cost: not for use in earnest.
  template <class X>
  llm_int8_parts parts(const Eigen::DenseBase<X>& x) const {
    llm_int8_parts all;
    all.outliers = outliers(x);
    all.codes.resize(x.rows(), inputs());
    all.scales.resize(x.rows());
    all.sums.setZero(x.rows(), outputs());
    with_samples(x, [&](const row_source& samples) {
      detail::encode_samples(samples, rule(), all.outliers, all.codes.data(), all.scales.data());
    });
    kernel::weights_view codes = weights_.view();
    const std::vector<float> ones(static_cast<std::size_t>(codes.panels * kernel::panel_rows), 1.0f);
    codes.scales = ones.data();
    codes.half_scales = nullptr;
    const llm_int8_parts::by_rows<float> values = all.codes.cast<float>();
    kernel::add_code_products(codes, values.data(), values.rows(), all.sums.data(), kernel::exact_columns,
                              how_.threads);
    return all;
  }

 private:
  static void require_weights(const quantized_matrix& weights) {
    detail::row_scales_of(weights, "llm_int8");
    const code_encoding& encoding = weights.encoding();
    if (encoding.bits != 8 || encoding.has_zero_points || (!encoding.is_signed && encoding.center != 128))
      detail::raise_message<invalid_scheme>({"llm_int8: expected weights of symmetric<8>, found ",
                                             encoding.bits, " bits",
                                             encoding.has_zero_points ? " with zero points" : ""});
  }
  void require_options(index_t cols) {
    if (numeric::is_nan(how_.threshold) || how_.threshold < 0)
      detail::raise_message<invalid_scheme>(
          {"llm_int8: threshold: expected 0 or more, found ", static_cast<double>(how_.threshold)});
    if (!how_.frozen) return;
    std::vector<index_t>& columns = *how_.frozen;
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    for (const index_t c : columns)
      if (c < 0 || c >= cols)
        detail::raise_message<shape_error>(
            {"llm_int8 of ", cols, " inputs: frozen: expected columns below ", cols, ", found ", c});
  }
  void require_shapes(index_t rows, index_t cols, index_t out_rows, index_t out_cols) const {
    if (cols != inputs() || out_rows != rows || out_cols != outputs())
      detail::raise_message<shape_error>({"llm_int8 of ", inputs(), " inputs and ", outputs(),
                                          " outputs: expected samples as rows, found ", rows, " x ", cols,
                                          " into ", out_rows, " x ", out_cols});
  }

  detail::outlier_rule rule() const noexcept {
    return {how_.threshold, how_.search == outlier_search::batch, how_.frozen ? &*how_.frozen : nullptr,
            how_.exact_constant ? 1.0f : 6.200124e-05f * (127 * 127), how_.threads};
  }
  template <class X, class Action>
  static void with_samples(const Eigen::DenseBase<X>& x, const Action& action) {
    static_assert(
        real_scalar<typename X::Scalar>,
        "bitgauge: llm_int8 takes float, double, Eigen::half or Eigen::bfloat16: write x.cast<float>()");
    if constexpr (detail::is_addressable<X>) {
      kernel::with_samples(x.derived().matrix().transpose(), action);
    } else {
      const typename X::PlainObject evaluated = x.derived();
      kernel::with_samples(evaluated.matrix().transpose(), action);
    }
  }

  packed_weights weights_;
  std::vector<float> bias_;
  llm_int8_options how_;
};

}  // namespace bitgauge
