#pragma once

/// \file
/// Starts of adapters: LoftQ, which makes up for what quantization takes away, and PiSSA.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/training/adapters/lora.hpp>
#include <bitgauge/training/adapters/low_rank.hpp>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace bitgauge {

/// How LoftQ proceeds.
struct loftq_options {
  index_t rank = 8;
  double alpha = 16;   ///< of the adapter: its product is scaled by alpha / rank
  int iterations = 5;  ///< each a quantization and a factorization
  std::uint64_t seed = 0;
  bool keep_last = false;  ///< the last pair, as the authors' program does, and not the best
};

/// Frozen weights Q and an adapter that starts near W - Q.
template <class Quantized>
struct loftq_start {
  Quantized frozen;
  lora<float> adapter;
  double quantization_error = 0;  ///< ||W - quantize(W)||, without an adapter
  std::vector<double> errors{};   ///< ||W - Q - (alpha / r) B A|| of the pair kept after each iteration
};

/// An adapter out of a weight, and what it leaves.
struct pissa_start {
  lora<float> adapter;
  Eigen::MatrixXf residual;  ///< W - (alpha / r) B A
};

namespace detail {

/// An adapter whose product, scaled, is nearest to r.
[[gnu::noinline]] inline lora<float> nearest_adapter(const Eigen::MatrixXd& r, index_t rank, double alpha,
                                                     std::uint64_t seed) {
  Eigen::MatrixXd left, right;
  factor_low_rank(number_view_of(r), rank, seed, left, right);
  const double share = std::sqrt(static_cast<double>(rank) / alpha);
  return {(share * right).cast<float>(), (share * left).cast<float>(), alpha};
}

[[gnu::noinline]] inline void require_start(const char* what, const Eigen::MatrixXf& w, index_t rank,
                                            double alpha) {
  require_rank(what, rank, w.rows(), w.cols());
  if (!is_number(alpha) || !(alpha > 0))
    raise_message<invalid_scheme>({what, ": alpha: expected a positive number, found ", alpha});
  require_numbers(what, "weights", number_view_of(w));
}

}  // namespace detail

/// loftq() by a function from an Eigen::MatrixXf to whatever has dequantize(): ggml's blocks, a text's format.
///
///     auto start = loftq_by(W, {.rank = 16}, [](const auto& w) { return quantize(w, gguf::q4_k{}); });
template <class W, std::invocable<const Eigen::MatrixXf&> Quantize>
auto loftq_by(const Eigen::DenseBase<W>& w, const loftq_options& options, const Quantize& quantize_matrix) {
  using quantized = decltype(quantize_matrix(std::declval<const Eigen::MatrixXf&>()));
  const Eigen::MatrixXf weights = w.derived().matrix().template cast<float>();
  detail::require_start("loftq", weights, options.rank, options.alpha);
  if (options.iterations < 1)
    detail::raise_message<invalid_scheme>(
        {"loftq: iterations: expected at least 1, found ", options.iterations});
  std::optional<loftq_start<quantized>> best;
  double first = 0;
  std::vector<double> errors;
  Eigen::MatrixXf rest = weights;
  for (int i = 0; i < options.iterations; ++i) {
    quantized q = quantize_matrix(rest);
    const Eigen::MatrixXf restored = q.dequantize();
    const Eigen::MatrixXd missing = weights.cast<double>() - restored.cast<double>();
    if (i == 0) first = missing.norm();
    lora<float> adapter = detail::nearest_adapter(missing, options.rank, options.alpha, options.seed);
    const Eigen::MatrixXf delta = adapter.delta();
    const double error = (missing - delta.cast<double>()).norm();
    rest = weights - delta;
    const bool keeps = !best || options.keep_last || error < errors.back();
    if (keeps) best = loftq_start<quantized>{std::move(q), std::move(adapter)};
    errors.push_back(keeps ? error : errors.back());
  }
  best->quantization_error = first;
  best->errors = std::move(errors);
  return *std::move(best);
}

/// LoftQ (Li et al., LoftQ: LoRA-Fine-Tuning-Aware Quantization, ICLR 2024, arXiv 2310.08659): alternates Q =
/// quantize(W - BA) and the best BA of its rank to W - Q, from BA = 0, and keeps the best pair, so that the error
/// never grows with another iteration. What is trained from there begins nearer to W than quantize(W) is.
///
///     auto start = loftq(W, {.rank = 16}, nf4{}, per_block{64});   // any answers of quantize(W, answers...)
///     qlora l(start.frozen, start.adapter);
///
/// Without answers: nf4{}, per_block{64}, double_quantized{256}. Throws what quantize() throws, invalid_scheme for a
/// rank below 1 or above min(in, out), an alpha that is not positive and less than one iteration, data_error for
/// weights that are not finite. Cost: per iteration a quantization and the factorization of low_rank.hpp, in double.
template <class W, class... Answers>
loftq_start<quantized_matrix> loftq(const Eigen::DenseBase<W>& w, const loftq_options& options,
                                    const Answers&... answers) {
  return loftq_by(w, options, [&](const Eigen::MatrixXf& x) {
    if constexpr (sizeof...(Answers) == 0) {
      return quantize(x, nf4{}, per_block{64}, double_quantized{256});
    } else {
      return quantize(x, answers...);
    }
  });
}

/// PiSSA (Meng et al., PiSSA: Principal Singular Values and Singular Vectors Adaptation, NeurIPS 2024, arXiv
/// 2404.02948): the adapter is the best of its rank to W itself, and what is left is frozen, quantized or not.
///
///     auto start = pissa(W, {.rank = 16});
///     qlora l(quantize(start.residual, nf4{}, per_block{64}), start.adapter);
///
/// Throws invalid_scheme for a rank below 1 or above min(in, out) and for an alpha that is not positive, data_error
/// for weights that are not finite. Cost: the factorization of low_rank.hpp, in double.
template <class W>
pissa_start pissa(const Eigen::DenseBase<W>& w, const lora_options& options) {
  const Eigen::MatrixXf weights = w.derived().matrix().template cast<float>();
  detail::require_start("pissa", weights, options.rank, options.alpha);
  lora<float> adapter =
      detail::nearest_adapter(weights.cast<double>(), options.rank, options.alpha, options.seed);
  Eigen::MatrixXf residual = adapter.unmerged(weights);
  return {std::move(adapter), std::move(residual)};
}

}  // namespace bitgauge
