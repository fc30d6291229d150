#pragma once

/// \file
/// AWQ: factors that make the weights of large inputs finer to quantize, found by the layer's output error.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>
#include <bitgauge/transform/awq/awq_reference.hpp>
#include <bitgauge/transform/awq/awq_trial.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// Which factors AWQ tries, and how.
struct awq_options {
  index_t steps = 20;        ///< activation exponents 0, 1 / steps, 2 / steps ...
  bool includes_one = true;  ///< ... and 1; without it the last is 1 - 1 / steps
  /// How many more candidates the search around the best of those may take, over both exponents: 0 for none.
  index_t refinements = 20;
  /// True: inputs of small magnitudes are not taken for silent ones; see awq(). False: the floor is 1e-4, as
  /// the authors' program has it, whatever unit activations have.
  bool relative_floor = true;
  index_t rows = 0;  ///< weights of so many rows a layer, evenly spaced, are tried; 0: of all
  int threads = 0;   ///< 0: all that OpenMP, or the installed hook, has

  /// The search of mit-han-lab/llm-awq, auto_scale.py: exponents 0, 0.05 ... 0.95 and nothing else. Its
  /// quantization is awq_reference_quantizer.
  static awq_options reference() {
    awq_options o;
    o.includes_one = o.relative_floor = false;
    o.refinements = 0;
    return o;
  }
};

/// One candidate: exponents and floor of the factors, and what they lead to.
struct awq_candidate {
  double activation_exponent = 0;
  double weight_exponent = 0;
  double floor = 0;
  double loss = 0;  ///< mean over samples and outputs of the squared error; infinity where weights overflow
};

/// The factors found, and all that were tried.
struct awq_factors {
  channel_scaling scaling;
  std::vector<awq_candidate> candidates;  ///< in the order tried; the first is no scaling at all
  std::size_t best = 0;                   ///< the first of least loss

  double loss() const { return candidates[best].loss; }
  double plain_loss() const { return candidates.front().loss; }
};

/// A layer's weights times their factors, with the search that found these.
class awq_weights : public transformed<channel_scaling> {
 public:
  template <class Derived>
  awq_weights(const Eigen::DenseBase<Derived>& weights, awq_factors found, int threads = 0)
      : transformed<channel_scaling>(weights, found.scaling, threads), found_(std::move(found)) {}
  const awq_factors& search() const& noexcept { return found_; }
  awq_factors search() && noexcept { return std::move(found_); }  ///< awq(...).search() outlives its line

 private:
  awq_factors found_;
};

namespace detail {

BITGAUGE_DECLARE awq_factors search_awq_factors(std::span<const row_source> layers,
                                                const activation_stats& stats, const hessian& h,
                                                const awq_options& o, const run_trial& trial);

}  // namespace detail

/// Activation-aware weight quantization (Lin et al., MLSys 2024, section 3.2): inputs are divided by factors
/// s, columns of W multiplied by them, so that weights of large inputs lose less. Candidates are
///
///     s_j = max(x_j^a u_j^-b, floor),  then  s / sqrt(max s * min s)
///
/// with x_j the mean of |X_j|, u_j the mean of |W_j| beside that of all columns, a = 0, 0.05 ... 1, b = 0,
/// and then pairs a, b around the best by a pattern search. The floor is 1e-4, that of the authors; where all
/// x_j are below 1, 1e-4 of the largest power is tried too. Of those the first wins whose loss is least:
///
///     loss = tr(D H D^T) / (samples * out),  D = W - quantized(W diag(s)) diag(1/s)
///
/// which is the mean over samples and outputs of (y - y')^2: H stands for the samples, which are not kept.
/// Factors of 1 are the first candidate, so the loss is never above that of plain quantization, nor above
/// that of any candidate of awq_options::reference(). Where H knows no number of samples the loss is their
/// sum.
///
///     activation_stats stats(W.cols());  hessian H(W.cols());
///     for (const auto& X : batches) stats.observe(X), H.accumulate(X);
///     const auto a = awq(W, stats, H, affine<4>{}, per_group{128});
///     const auto q = quantize(a.weights(), affine<4>{}, per_group{128});
///     Y = linear(q)(a.inputs(X));      // or a.transform() folded into the layer before
///
/// `answers` are those of quantize(), of any kind but an error feedback, whose Hessian would be of other
/// inputs; or one function of the scaled weights, and where it likes of the scaling, that returns something
/// quantized:
///
///     awq(W, stats, H, [](const auto& w) { return quantize(w, gguf::q4_k{}); });
///     awq(W, stats, H, [&](const auto& w, const channel_scaling& s) {
///       const hessian changed = change_hessian(s, H);
///       return quantize(w, affine<4>{}, per_group{128}, gptq{changed});
///     });
///
/// An input that was always zero gets the least factor: it loses nothing by it that samples show.
///
/// Throws shape_error for a Hessian, statistics or weights of different inputs and for options below their
/// ranges, data_error for NaN and infinity in W (whatever the options) and where no sample was seen, and what
/// quantize() throws.
/// Cost, of each of 21 to 41 candidates: quantizing and decoding W, and out * in^2 (1 + 256 / in) operations,
/// which options.rows cuts: groups that span rows are then of those alone. 4096 x 4096 in affine<4>,
/// per_group{128}: 0.7 s a candidate with AVX-512 on one thread, 0.4 s on two. Memory: two more copies of W, and
/// in^2 / 2 floats.
template <class Derived, class... Answers>
awq_weights awq(const Eigen::DenseBase<Derived>& weights, const activation_stats& stats, const hessian& h,
                const awq_options& options, const Answers&... answers) {
  return {weights,
          detail::with_rows(weights,
                            [&](const row_source& rows) {
                              return detail::search_awq_factors(
                                  std::span(&rows, 1), stats, h, options,
                                  detail::make_trial(options.threads, answers...));
                            }),
          options.threads};
}
template <class Derived, class... Answers>
awq_weights awq(const Eigen::DenseBase<Derived>& weights, const activation_stats& stats, const hessian& h,
                const Answers&... answers) {
  return awq(weights, stats, h, awq_options{}, answers...);
}

/// The same for layers that share their inputs, such as q, k and v: the sum of their losses decides on one
/// scaling. `layers`: a vector, an array or the like of matrices, or of references to them.
///
///     const std::vector<Eigen::MatrixXf> qkv = ...;
///     const auto found = awq_shared(qkv, stats, H, awq_options{}, affine<4>{}, per_group{128});
///     for (const auto& W : qkv)
///       quantize(transformed(W, found.scaling).weights(), affine<4>{}, per_group{128});
///
/// The loss is the mean over samples and over the outputs of all layers. Throws as awq(), and shape_error for
/// no layers.
template <std::ranges::forward_range Layers, class... Answers>
awq_factors awq_shared(const Layers& layers, const activation_stats& stats, const hessian& h,
                       const awq_options& options, const Answers&... answers) {
  std::vector<row_source> rows;
  for (const auto& weights : layers) {
    using matrix = std::remove_cvref_t<decltype(weights)>;
    static_assert(detail::is_addressable<matrix>, "bitgauge: awq_shared takes matrices, maps or references");
    detail::with_rows(weights, [&](const row_source& source) { rows.push_back(source); });
  }
  return detail::search_awq_factors(rows, stats, h, options, detail::make_trial(options.threads, answers...));
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/transform/awq/awq_definitions.hpp>
#endif
