#pragma once

/// \file
/// AWQ's clip search: where a group's largest weights are cut off, by the error of its share of the outputs.

#include <bitgauge/base/config.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/awq/awq_trial.hpp>

#include <Eigen/Core>

namespace bitgauge {

/// Which ends awq_clip tries.
struct awq_clip_options {
  index_t steps = 20;   ///< ends are 1, 1 - 1 / steps, 1 - 2 / steps ... of the largest magnitude
  double shrink = 0.5;  ///< down to above 1 - shrink: floor(shrink * steps) of them; 0..1
  /// After [-m, m], the upper and the lower end apart: three times the work. Of the answers of quantize()
  /// only where the grid has a zero point, as no other gains by it.
  bool separate_ends = true;
  int threads = 0;  ///< 0: all that OpenMP, or the installed hook, has

  /// The search of mit-han-lab/llm-awq, auto_clip.py: [-m, m] alone.
  static awq_clip_options reference() {
    awq_clip_options o;
    o.separate_ends = false;
    return o;
  }
};

/// Clipped weights, and where they were clipped. Groups are numbered as grouping does: row by row, and along
/// each.
struct awq_clipped {
  row_matrix weights;
  Eigen::VectorXf lowest, highest;  ///< of each group; -highest and highest unless ends were separate
  /// Sum over groups of the squared error of their shares of the outputs, over all samples, of plain
  /// quantization and of that of `weights`. Not the layer's error: what groups of a row add up to is left
  /// out.
  double plain_error = 0, error = 0;
};

namespace detail {

BITGAUGE_DECLARE awq_clipped search_awq_clip(const row_source& weights, const hessian& h, granularity groups,
                                             const awq_clip_options& o, const run_trial& trial);

}  // namespace detail

/// Weights whose groups are clipped to [-m, m], each m the one of least error among max|w| (1 - i / 20), i =
/// 0 .. 9 (Lin et al., MLSys 2024; the first where several are alike):
///
///     error of a group = e H_gg e^T,  e = w - quantized(clip(w, -m, m)),
///
/// H_gg the block of H at the group's inputs: the sum over samples of the squared difference in the group's
/// share of the output, so no samples are kept. Then each end is moved alone, as far as that helps: [-m, m]
/// on an affine grid puts both ends half-way between codes. Compose it with what quantizes:
///
///     const auto c = awq_clip(W, H, affine<4>{}, per_group{128});
///     const auto q = quantize(c.weights, affine<4>{}, per_group{128});
///
/// and after awq with awq_clip(a.weights(), a.hessian_of(H), ...). `answers` are those of quantize(), of any
/// kind but an error feedback: groups are those of its granularity, which need not divide a row. Groups that
/// span rows share one m: the error of a tensor is that of all outputs. In place of answers: a granularity
/// and a function of weights,
///
///     awq_clip(W, H, per_group{256}, [](const auto& w) { return quantize(w, gguf::q4_k{}); });
///
/// whose groups must not depend on each other for `error` to be that of the result. The authors' program
/// takes some of the samples, at equal steps: so does a Hessian of those.
///
/// Throws shape_error for a Hessian of other inputs and for options out of their ranges, data_error for NaN
/// and infinity in W and where no sample was seen, and what quantize() throws. Cost: 10 times (28 with
/// separate ends) quantizing and decoding W, and out * in * group operations. Memory: two more copies of W.
template <class Derived, class... Answers>
awq_clipped awq_clip(const Eigen::DenseBase<Derived>& weights, const hessian& h,
                     const awq_clip_options& options, const Answers&... answers) {
  return detail::with_rows(weights, [&](const row_source& rows) {
    if constexpr ((detail::is_trial_quantizer<Answers>() || ...)) {
      static_assert(
          sizeof...(Answers) == 2,
          "bitgauge: awq_clip takes a granularity and then a function, or the answers of quantize()");
      return [&](const granularity& groups, const auto& function) {
        return detail::search_awq_clip(rows, h, groups, options, detail::trial_of_function(function));
      }(answers...);
    } else {
      const auto recipe = detail::trial_recipe(options.threads, answers...);
      awq_clip_options own = options;
      own.separate_ends = own.separate_ends && recipe.grid->has_zero_point();
      return detail::search_awq_clip(rows, h, recipe.groups, own, detail::trial_of_recipe(recipe));
    }
  });
}
template <class Derived, class... Answers>
awq_clipped awq_clip(const Eigen::DenseBase<Derived>& weights, const hessian& h, const Answers&... answers) {
  return awq_clip(weights, h, awq_clip_options{}, answers...);
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/transform/awq/awq_clip_definitions.hpp>
#endif
