#pragma once

/// \file
/// A transform of a layer's inputs folded into what computes them, so that inference costs nothing.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/stored/pending_change.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

namespace bitgauge {
namespace detail {

template <input_transform T, writable_dense Weights>
pending_change<Weights> folded_weights(const T& t, Weights& weights) {
  if (weights.rows() != t.inputs())
    raise_message<shape_error>({"fold: expected a linear layer of ", t.inputs(),
                                " outputs, the inputs of the next, found ", weights.rows()});
  return {"fold: weights of the linear layer", weights, false, [&](auto values) { t.change_input(values); }};
}

}  // namespace detail

/// Folds y = W x = (W diag(s)) (x / s) into a preceding norm, x = weight * normalized (+ bias): RMSNorm's
/// weight, or LayerNorm's weight and bias, divided by s in place.
///
///     const auto s = smooth_quant(W, stats, 0.5);
///     fold_into_norm(s.transform(), norm_weight, norm_bias);
///     // ... and in place of W, s.weights()
///
/// Every layer that reads the norm's output must be rewritten by the same s. A norm that multiplies by 1 +
/// weight (Gemma's) is folded as that: add 1 before, subtract it afterwards.
///
/// weight, bias: vectors of either orientation, of float, double, half or bfloat16: matrices, maps, blocks,
/// references, arrays. Throws shape_error unless each has s.inputs() values, data_error for what is not
/// finite then; both are as before in that case. Cost: one pass.
template <writable_dense Weight>
void fold_into_norm(const channel_scaling& s, Weight&& weight) {
  const auto divide = [&](auto values) { s.change_input(values); };
  detail::change_of_vector("fold: weight of the norm", weight, s.inputs(), divide).write();
}
template <writable_dense Weight, writable_dense Bias>
void fold_into_norm(const channel_scaling& s, Weight&& weight, Bias&& bias) {
  const auto divide = [&](auto values) { s.change_input(values); };
  const auto new_weight = detail::change_of_vector("fold: weight of the norm", weight, s.inputs(), divide);
  const auto new_bias = detail::change_of_vector("fold: bias of the norm", bias, s.inputs(), divide);
  new_weight.write();
  new_bias.write();
}

/// Folds any transform T into a preceding linear layer, x = W u + b: T x = (T W) u + T b, in place. Of a
/// channel_scaling, row i of W and b_i are divided by s_i, which passes through activations of positive
/// homogeneity in between (ReLU, leaky ReLU); another T allows none in between.
///
///     fold_into_linear(s.transform(), W1, b1);       // y = W2 relu(W1 u + b1), s of W2's inputs
///
/// W: T.inputs() x in; b: a vector of T.inputs() values, or left out. Types, errors as of fold_into_norm().
/// Cost: a copy of W in float (double of double), and T once a column.
template <input_transform T, writable_dense Weights>
void fold_into_linear(const T& t, Weights&& weights) {
  detail::folded_weights(t, weights).write();
}
template <input_transform T, writable_dense Weights, writable_dense Bias>
void fold_into_linear(const T& t, Weights&& weights, Bias&& bias) {
  const auto new_weights = detail::folded_weights(t, weights);
  const auto new_bias = detail::change_of_vector("fold: bias of the linear layer", bias, t.inputs(),
                                                 [&](auto values) { t.change_input(values); });
  new_weights.write();
  new_bias.write();
}

}  // namespace bitgauge
