#pragma once

/// \file
/// QLoRA: a quantized weight that is frozen, and an adapter in float beside it.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/training/adapters/lora.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace bitgauge {

/// What a qlora is made of.
struct qlora_options {
  index_t rank = 8;
  double alpha = 16;       ///< the adapter's product is scaled by alpha / rank
  std::uint64_t seed = 0;  ///< of the start of A
  /// Packs the weights for this processor's products beside the codes that backward() reads. Without, products
  /// decode these too: slower for few samples, and no memory but that of codes and adapter.
  bool packed = true;
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

/// Y = X Q^T + (alpha / r) (X A^T) B^T over samples x in: Q (out x in) is quantized and frozen, A and B are learned in
/// float (Dettmers et al., QLoRA, NeurIPS 2023, arXiv 2305.14314).
///
///     qlora l(quantize(W, nf4{}, per_block{64}), {.rank = 16});
///     Eigen::MatrixXf Y = l.forward(X);
///     auto g = l.backward(X, dY);                                // g.A, g.B, g.X
///     l.adapter.A -= rate * g.A;  l.adapter.B -= rate * g.B;      // your optimiser
///
///     qlora m(W, {.rank = 16});                                  // NF4 in blocks of 64, double-quantized
///     auto start = loftq(W, {.rank = 16});                       // an adapter that makes up for the quantization
///     qlora n(start.frozen, start.adapter);
///
/// Q is anything that is decoded row by row: a quantized_matrix of any scheme, ggml's blocks (with
/// <bitgauge/gguf.hpp>), an any_quantized (which is decoded for each product). forward() is a product with packed
/// weights, floats kept exactly (layer/linear.hpp). backward() is straight: gradients of A, B and X, the last through
/// Q, of which 256 rows at a time become floats. Nothing is remembered between the two. Dropout as of lora.
///
/// Throws invalid_scheme for a rank below 1 or above min(in, out), shape_error where matrices do not fit, data_error
/// for a gradient that is not finite. Cost: for n samples a product of n x in x out each way, decoding Q once backward, and
/// what lora costs.
template <class Quantized = quantized_matrix>
class qlora {
  static_assert(row_decodable<Quantized>,
                "bitgauge: qlora takes quantized weights: a quantized_matrix, a gguf::block_matrix or an "
                "any_quantized");
  using matrix = lora<float>::matrix;

 public:
  lora<float> adapter;  ///< its A and B are yours to change

  explicit qlora(Quantized frozen, const qlora_options& options = {})
      : qlora(std::move(frozen), std::nullopt, options) {}
  /// With an adapter that is there; `options` but for rank, alpha and seed.
  qlora(Quantized frozen, lora<float> start, const qlora_options& options = {})
      : qlora(std::move(frozen), std::optional<lora<float>>(std::move(start)), options) {}
  /// Quantizes W to NF4 in blocks of 64, their scales to 8 bits in blocks of 256: 4.127 bits a weight.
  template <class W>
  requires std::same_as<Quantized, quantized_matrix>
  explicit qlora(const Eigen::DenseBase<W>& w, const qlora_options& options = {})
      : qlora(quantize(w, nf4{}, per_block{64}, double_quantized{256}), options) {}

  index_t inputs() const { return frozen_.cols(); }
  index_t outputs() const { return frozen_.rows(); }
  const Quantized& frozen() const noexcept { return frozen_; }
  /// Of the codes and scales, and of A and B: what qlora_memory() estimates.
  index_t bytes() const { return frozen_.storage_bytes() + adapter.bytes(); }
  /// Of the weights as products read them, beside those; 0 where they are not packed.
  index_t packed_bytes() const noexcept { return product_.weights().bytes(); }

  template <class X>
  detail::samples_like<float, X> forward(const Eigen::DenseBase<X>& x,
                                         const matrix* dropout = nullptr) const {
    if (x.cols() != inputs())
      detail::raise_message<shape_error>({"qlora of ", inputs(), " inputs and ", outputs(),
                                          " outputs: expected samples as rows, found ", x.rows(), " x ",
                                          x.cols()});
    detail::samples_like<float, X> y(x.rows(), outputs());
    if (product_.outputs() == outputs()) {
      product_.forward_into(x, y);
    } else {
      y = detail::row_product(frozen_, x.derived().matrix().transpose()).transpose();
    }
    adapter.add_forward(x, dropout, detail::product_view_of(y));
    return y;
  }

  /// From X, as forward() got it, and the gradient dY of what it returned.
  template <class X, class DY>
  lora_gradients<detail::samples_like<float, X>, float> backward(const Eigen::DenseBase<X>& x,
                                                                 const Eigen::DenseBase<DY>& dy,
                                                                 const matrix* dropout = nullptr) const {
    auto g = adapter.backward(x, dy, dropout);
    detail::with_numbers<float>(dy, [&](const detail::number_view<float>& d) {
      add_through_frozen(d, detail::product_view_of(g.X));
    });
    return g;
  }

 private:
  qlora(Quantized frozen, std::optional<lora<float>> start, const qlora_options& options)
      : frozen_(std::move(frozen)), threads_(options.threads) {
    if constexpr (requires { frozen_.is_column_vector(); })
      if (frozen_.is_column_vector()) raise(shape_error("qlora: expected a matrix, found a column vector"));
    detail::require_rank("qlora", start ? start->rank() : options.rank, outputs(), inputs());
    adapter = start ? *std::move(start)
                    : lora<float>(outputs(), inputs(), {options.rank, options.alpha, options.seed});
    detail::require_shape("qlora", "adapter", outputs(), inputs(), adapter.outputs(), adapter.inputs());
    if constexpr (std::constructible_from<packed_weights, const Quantized&>)
      if (options.packed) product_ = linear(packed_weights(frozen_, threads_), {.threads = threads_});
  }

  /// dx += dy Q.
  void add_through_frozen(const detail::number_view<float>& dy, const detail::product_view<float>& dx) const {
    constexpr index_t height = 256;
    std::vector<float> panel(detail::as_size(std::min(height, outputs()) * inputs()));
    for (index_t first = 0; first < outputs(); first += height) {
      const index_t count = std::min(height, outputs() - first);
      parallel_for(count, threads_,
                   [&](index_t r) { frozen_.dequantize_row(first + r, panel.data() + r * inputs()); });
      detail::add_product(dx, 1, {dy.data + first * dy.col_step, dy.rows, count, dy.row_step, dy.col_step},
                          {panel.data(), count, inputs(), inputs(), 1});
    }
  }

  Quantized frozen_;
  linear product_;  ///< without weights where they are not packed
  int threads_ = 0;
};

template <class W>
requires detail::dense_input<W>
qlora(const W&, const qlora_options&) -> qlora<quantized_matrix>;
template <class W>
requires detail::dense_input<W>
qlora(const W&) -> qlora<quantized_matrix>;

/// What weights of out x in, frozen in a scheme, and an adapter of `rank` in float take: the bytes() of a qlora of
/// them, and those in bits per frozen weight. Throws invalid_scheme for an unknown grid and a rank that cannot be.
///
///     qlora_memory(parse_scheme("nf4:double=256"), 4096, 4096, 16).bytes;    // 9.2e6, of which 0.5e6 are trained
template <int = 0>
memory_estimate qlora_memory(const scheme& s, index_t outputs, index_t inputs, index_t rank) {
  detail::require_rank("qlora_memory", rank, outputs, inputs);
  const auto bytes = static_cast<double>(storage_bytes(s, outputs, inputs) +
                                         rank * (outputs + inputs) * static_cast<index_t>(sizeof(float)));
  return {8 * bytes / (static_cast<double>(outputs) * static_cast<double>(inputs)), bytes};
}

}  // namespace bitgauge
