#pragma once

/// \file
/// Fake quantization: training sees what quantization will do, and gradients pass it.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/training/straight_through.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {
namespace gguf {
class block_matrix;
}

/// y = dequantize(quantize(x)), and its gradient straight through the rounding (Jacob et al., Quantization and
/// Training of Neural Networks, CVPR 2018): dx = dy where x is in the range that the codes of its group can
/// represent, zero where it was clipped. Nothing is remembered between the two: backward gets x again.
///
///     fake_quantize f(affine<4>{}, per_group{32});          // any answers of quantize(W, answers...)
///     Eigen::MatrixXf What = f.forward(W);                  // the layer computes with What
///     Eigen::MatrixXf dW = f.backward(W, dWhat);            // and the optimiser moves W
///     const auto stored = f.quantize(W);                    // in the end: f.forward(W) is stored.dequantize()
///
/// Scales are chosen from the data at each call, as quantize() does. To keep them, or to average them over
/// batches, say so by the range:
///
///     fake_quantize g(affine<8>{}, per_row{}, given_parameters(scales, zero_points));
///
///     moving_average_observer seen(0.01f, per_row{});
///     for (...) {
///       seen.observe(W);
///       const fake_quantize h(affine<8>{}, per_row{}, given_parameters::of(seen.finish(affine<8>{})));
///       ...
///     }
///
/// A scheme, and whatever quantizes for itself, such as ggml's blocks (with <bitgauge/training/block_range.hpp>):
///
///     fake_quantize a(parse_scheme("nf4:group=64"));
///     auto b = fake_quantize::by([](const auto& w) { return quantize(w, gguf::q4_k{}); });
///
/// On a grid of integers a value is in where it rounds to a code, as in torch.fake_quantize_per_tensor_affine and
/// its per-channel form; on codebooks, small floats and signs where it lies from the lowest level times the scale
/// to the highest. x is float, double, half or bfloat16, any matrix, block, map or expression; a column vector is
/// quantized along its length. Throws what quantize() throws, shape_error where a gradient has another shape than
/// x, data_error for one that is not finite. Cost: one quantization a call, and one dequantization (forward) or
/// two passes (backward).
class fake_quantize {
 public:
  template <class... Answers>
  requires(sizeof...(Answers) > 0)
  explicit fake_quantize(const Answers&... answers) : answers_(detail::make_recipe(answers...)) {}
  /// Throws invalid_scheme for an unknown grid and for rounding=gptq, which is gptq{H} as an answer.
  explicit fake_quantize(const scheme& s) : answers_(detail::recipe_with(s, nullptr)) {}
  /// By a function from an Eigen::MatrixXf to anything that has dequantize_row(). Throws what it throws.
  template <std::invocable<const Eigen::MatrixXf&> Quantize>
  static fake_quantize by(Quantize quantize_matrix) {
    static_assert(
        row_decodable<std::remove_cvref_t<std::invoke_result_t<const Quantize&, const Eigen::MatrixXf&>>>,
        "bitgauge: fake_quantize::by takes a function that returns something quantized: a "
        "quantized_matrix, a gguf::block_matrix or an any_quantized");
    fake_quantize f;
    f.restored_ = [quantize_matrix](const Eigen::MatrixXf& x) -> Eigen::MatrixXf {
      return quantize_matrix(x).dequantize();
    };
    f.masked_ = [quantize_matrix = std::move(quantize_matrix)](const Eigen::MatrixXf& x) {
      return mask_of(x, quantize_matrix(x));
    };
    return f;
  }

  /// Floats in the shape and storage order of x.
  template <class X>
  detail::plain_like<float, X> forward(const Eigen::DenseBase<X>& x) const {
    detail::plain_like<float, X> y(x.rows(), x.cols());
    if (restored_) {
      y = restored_(x.derived().matrix().template cast<float>());
    } else {
      quantize(x).dequantize_into(y, answers_.options.threads);
    }
    return y;
  }

  /// The codes and scales that forward() restores. Throws invalid_scheme where a function quantizes.
  template <class X>
  quantized_matrix quantize(const Eigen::DenseBase<X>& x) const {
    if (restored_)
      raise(invalid_scheme(
          "fake_quantize: quantize: expected answers or a scheme, found a function of the caller's: "
          "call that"));
    return detail::quantize_by(x, answers_);
  }

  /// Where gradients pass.
  template <class X>
  gradient_mask mask(const Eigen::DenseBase<X>& x) const {
    if (masked_) {
      return masked_(x.derived().matrix().template cast<float>());
    } else if constexpr (detail::is_addressable<X>) {
      return mask_of_codes(x.derived(), quantize(x), detail::numbers_of(*answers_.grid));
    } else {
      const typename X::PlainObject evaluated = x.derived();
      return mask(evaluated);
    }
  }

  /// dx from x, as forward() got it, and the gradient dy of what it returned.
  template <class X, class DY>
  detail::plain_like<detail::scalar_of<DY>, DY> backward(const Eigen::DenseBase<X>& x,
                                                         const Eigen::DenseBase<DY>& dy) const {
    detail::require_shape("fake_quantize", "gradient", x.rows(), x.cols(), dy.rows(), dy.cols());
    return straight_through(mask(x), dy);
  }

 private:
  fake_quantize() = default;

  /// row_mask(values, row, passes) tells of one row.
  template <class X, class RowMask>
  static gradient_mask mask_by_rows(const X& x, const RowMask& row_mask) {
    gradient_mask passes(x.rows(), x.cols());
    detail::with_rows(x, [&](const row_source& rows) {
      std::vector<float> scratch;
      std::vector<std::uint8_t> row(detail::as_size(rows.cols()));
      for (index_t r = 0; r < rows.rows(); ++r) {
        row_mask(rows.read(r, 1, scratch).row(0), r, row.data());
        for (index_t c = 0; c < rows.cols(); ++c) {
          const bool in = row[detail::as_size(c)] != 0;
          detail::is_column_vector<X> ? passes(c, r) = in : passes(r, c) = in;
        }
      }
    });
    return passes;
  }
  template <class X>
  static gradient_mask mask_of_codes(const X& x, const quantized_matrix& q,
                                     const detail::representable_numbers& numbers) {
    return mask_by_rows(x, [&](const float* values, index_t row, std::uint8_t* passes) {
      detail::representable_row(values, row, q, numbers, passes);
    });
  }

  /// Of what a function of the caller's made: codes, ggml's blocks, either of them, or something unknown.
  template <class Quantized>
  static gradient_mask mask_of(const Eigen::MatrixXf& x, const Quantized& q) {
    if constexpr (std::same_as<Quantized, quantized_matrix>) {
      return mask_of_codes(x, q, detail::numbers_of(q.encoding()));
    } else if constexpr (std::same_as<Quantized, gguf::block_matrix>) {
      const auto of_row = [&](const float* values, index_t row, std::uint8_t* passes) {
        static_assert(
            requires { representable_row(values, row, q, passes); },
            "bitgauge: include <bitgauge/training/block_range.hpp> to train with ggml's blocks");
        representable_row(values, row, q, passes);
      };
      return mask_by_rows(x, of_row);
    } else if constexpr (requires { q.visit([](const auto&) { return true; }); }) {
      return q.visit([&](const auto& held) { return mask_of(x, held); });
    } else {
      return gradient_mask::Constant(x.rows(), x.cols(), true);
    }
  }

  detail::recipe answers_;
  // set where a function of the caller's quantizes
  std::function<Eigen::MatrixXf(const Eigen::MatrixXf&)> restored_;
  std::function<gradient_mask(const Eigen::MatrixXf&)> masked_;
};

}  // namespace bitgauge
