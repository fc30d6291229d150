#pragma once

/// \file
/// SparseGPT: pruning that knows the layer's inputs, alone or together with rounding.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/pruning_mask.hpp>
#include <bitgauge/rounding/pruning_pattern.hpp>

#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// What SparseGPT did to one layer. The errors are ||(W - Q) X||^2 over the samples of the Hessian, damping left out.
struct sparse_gpt_report {
  double energy = 0;                  ///< ||W X||^2
  double error = 0;                   ///< of the result
  index_t pruned = 0;                 ///< weights
  double damping = 0;                 ///< what was added to the Hessian's diagonal
  int damping_raised = 0;             ///< how often it had to be raised for the factorisation to succeed
  std::vector<index_t> dead_columns;  ///< inputs that were always zero; their weights are taken as 0
};

/// How SparseGPT prunes.
struct sparse_gpt_options {
  /// Added to the Hessian's diagonal, as a fraction of its mean; from 0 up.
  double damping = 0.01;
  /// Columns whose unstructured mask is chosen together, the errors of all before fed back: the block size of the
  /// authors' program. Rounded up to whole groups of n_of_m.
  index_t batch = 128;
  /// True: parameters of all groups come from the original weights. False: of groups within rows from the weights with
  /// errors fed back that they have when the group is reached. Groups that span rows, rows of one group and groups that
  /// groups of n_of_m do not divide are always static.
  bool static_groups = false;
  /// Gets the mask where given. Pruned weights then count as 0, whether or not the grid has a code for it; else as
  /// what the code nearest to 0 stands for.
  pruning_mask* mask = nullptr;
  sparse_gpt_report* report = nullptr;  ///< filled in where given
};

class sparse_gpt;

namespace detail {

/// Prunes and rounds the rows of a target, or prunes `floats` (rows x cols, row after row), which the target reads.
BITGAUGE_DECLARE void prune_by_feedback(feedback_target& target, const sparse_gpt& how, int threads,
                                        float* floats);
BITGAUGE_DECLARE void prune_floats_by_feedback(std::span<float> weights, index_t rows, index_t cols,
                                               const sparse_gpt& how, int threads);

}  // namespace detail

/// Prunes one column after the other and lets the columns still to come make up for the error (Frantar and Alistarh:
/// SparseGPT, ICML 2023, arXiv 2301.00774). What it would cost to prune w_ij is w_ij^2 / U_jj^2, with U the upper
/// Cholesky factor of the inverse Hessian that GPTQ runs on; the weights of least cost are pruned: unstructured, of each
/// batch of columns over all rows together, when the batch is reached; in groups of n_of_m, of each when it is reached.
/// Those that stay are rounded as they are reached, by any grid, granularity, range and storage, and by ggml's blocks.
///
///     hessian H(W.cols());
///     for (const auto& X : batches) H.accumulate(X);
///     auto q = prune_and_quantize(W, sparse_gpt{H, n_of_m{2, 4}}, affine<4>{}, per_row{});     // pruned_matrix.hpp
///     auto p = prune(W, sparse_gpt{H, unstructured{0.5}});                                     // floats, and a mask
///     auto b = quantize(W, gguf::q4_0{}, sparse_gpt{H, n_of_m{2, 4}});                         // zeros among the codes
///
/// It answers the question of rounding: pruned weights get the code nearest to 0. As in the authors' program the weights
/// pruned of an unstructured batch are all whose cost is at most that of number count * share (from 0) in ascending
/// order: one more than the share. With a mask instead of a pattern, such as Wanda's, that one is pruned and the rest
/// makes up for it.
///
/// Throws invalid_scheme for a damping or batch that cannot be. Sums are in double and do not depend on the number of
/// threads. Cost for W of m x n: n^3 / 6 + m n^2 / 2 multiplications, memory for n^2 doubles beside H and for 25 m n
/// bytes: rows are pruned together.
class sparse_gpt final : public feedback_rounding {
 public:
  /// Keeps a reference: `h` must live until the matrix is pruned.
  sparse_gpt(const hessian& h, pruning_pattern pattern, const sparse_gpt_options& options = {})
      : hessian_(&h), pattern_(pattern), options_(options) {
    check();
  }
  /// Prunes what the mask says.
  sparse_gpt(const hessian& h, pruning_mask mask, const sparse_gpt_options& options = {})
      : hessian_(&h), pattern_(mask.pattern()), given_(std::move(mask)), options_(options) {
    check();
  }
  sparse_gpt(const hessian&& h, pruning_pattern pattern, const sparse_gpt_options& options = {}) = delete;
  sparse_gpt(const hessian&& h, pruning_mask mask, const sparse_gpt_options& options = {}) = delete;

  const bitgauge::hessian& inputs() const noexcept { return *hessian_; }
  const pruning_pattern& pattern() const noexcept { return pattern_; }
  /// Null unless the mask was given.
  const pruning_mask* given() const noexcept { return given_ ? &*given_ : nullptr; }
  const sparse_gpt_options& options() const noexcept { return options_; }

  /// The same with another place for the mask.
  sparse_gpt storing(pruning_mask& mask) const {
    sparse_gpt other = *this;
    other.options_.mask = &mask;
    return other;
  }

  /// Throws shape_error where the Hessian has another number of inputs than the matrix has columns, or a given mask
  /// another shape; data_error where the Hessian is zero or cannot be factored.
  void round(feedback_target& target, int threads) const override {
    detail::prune_by_feedback(target, *this, threads, nullptr);
  }
  /// Prunes floats, `rows` rows one after the other, without rounding any. Throws what round() throws.
  void prune(std::span<float> weights, index_t rows, index_t cols, int threads = 0) const {
    detail::prune_floats_by_feedback(weights, rows, cols, *this, threads);
  }

 private:
  void check() const {
    if (!(options_.damping >= 0 && options_.damping <= 1e6))
      raise(invalid_scheme("sparse_gpt: damping: expected a fraction of the mean diagonal from 0 up, found " +
                           detail::general_text(options_.damping, 6)));
    if (options_.batch < 1)
      detail::raise_message<invalid_scheme>(
          {"sparse_gpt: batch: expected at least 1 column, found ", options_.batch});
  }

  const hessian* hessian_;
  pruning_pattern pattern_;
  std::optional<pruning_mask> given_;
  sparse_gpt_options options_;
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/rounding/sparse_gpt_definitions.hpp>
#endif
