#pragma once

/// \file
/// GPTQ: rounding that knows the layer's inputs.

#include <bitgauge/error.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>

#include <string>

namespace bitgauge {

/// Rounds one column after the other and lets the columns still to come make up for the error
/// (Frantar, Ashkboos, Hoefler, Alistarh: GPTQ, ICLR 2023), with any grid, granularity, range and storage:
///
///     hessian H(W.cols());
///     for (const auto& X : batches) H.accumulate(X);
///     auto q = quantize(W, affine<4>{}, per_group{128}, gptq{H});
///
///     gptq_report report;
///     auto p = quantize(W, symmetric<3>{}, per_group{64},
///                       gptq{H, {.act_order = true, .effort = effort::best, .report = &report}});
///
/// Ranges that weigh errors get the Hessian's diagonal as weights. Dead inputs, a Hessian of less than full
/// rank and group tails are all handled; a Hessian of no samples is an error, never silently nearest.
///
/// Sums are of type Scalar, double unless asked for by `gptq<float>(H)`, and do not depend on the number of
/// threads. Compilers and instruction sets may change their last bit, and with it a code whose value lies
/// within about 1e-12 (float: 1e-4) of halfway between two levels. Either precision agrees with the published
/// program run in double, on its own cases, in at least 99.5 % of the codes and within 2 % of the error.
///
/// Activations of any size will do: their common factor drops out, and correlations that rounding hides are
/// zero before they become subnormal numbers (negligible.hpp).
///
/// Cost for W of m x n: n^3 / 6 + m n^2 / 2 multiplications of Scalars, the second term two or three times
/// where groups are free (gptq_options::static_groups), and memory for n^2 of them beside H and the result.
template <class Scalar = double>
class gptq final : public feedback_rounding {
 public:
  /// Keeps a reference: `h` must live until the matrix is quantized.
  explicit gptq(const hessian& h, const gptq_options& options = {}) : hessian_(&h), options_(options) {
    if (!(options.damping >= 0 && options.damping <= 1e6))
      raise(invalid_scheme("gptq: damping: expected a fraction of the mean diagonal from 0 up, found " +
                           std::to_string(options.damping)));
    if (options.batch < 1)
      raise(
          invalid_scheme("gptq: batch: expected at least 1 column, found " + std::to_string(options.batch)));
  }
  /// Rounds for inputs that come from quantized layers; the report's errors are then those against the best
  /// weights without a grid.
  explicit gptq(const paired_hessian& pair, const gptq_options& options = {})
      : gptq(pair.quantized(), options) {
    pair_ = &pair;
  }
  explicit gptq(const hessian&& h, const gptq_options& options = {}) = delete;
  explicit gptq(const paired_hessian&& pair, const gptq_options& options = {}) = delete;

  const gptq_options& options() const noexcept { return options_; }

  /// Throws shape_error where the Hessian has another number of inputs than the matrix has columns,
  /// data_error where it is zero or cannot be factored.
  void round(feedback_target& target, int threads) const override;

 private:
  const hessian* hessian_;
  const paired_hessian* pair_ = nullptr;
  gptq_options options_;
};

}  // namespace bitgauge

#if defined(BITGAUGE_COMPILED)
extern template class bitgauge::gptq<float>;
extern template class bitgauge::gptq<double>;
#else
#include <bitgauge/rounding/gptq_definitions.hpp>
#endif
