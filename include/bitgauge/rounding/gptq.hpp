#pragma once

/// \file
/// GPTQ: rounding that knows the layer's inputs.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/rounding/feedback/choice.hpp>
#include <bitgauge/rounding/feedback/error.hpp>
#include <bitgauge/rounding/feedback/error_feedback.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/normalized_hessian.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/rounding/feedback/shrinkage.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>
#include <bitgauge/rounding/search/coordinate_descent.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

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
/// Sums are of type Scalar, double unless asked for by gptq<float>(H), and do not depend on the number of
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
    if (options.block < 1)
      raise(
          invalid_scheme("gptq: block: expected at least 1 column, found " + std::to_string(options.block)));
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

namespace detail {

/// One call of gptq::round.
template <class Scalar>
class gptq_run {
 public:
  gptq_run(feedback_target& target, const hessian& h, const paired_hessian* pair, const gptq_options& options,
           int threads)
      : target_(target),
        normalized_(h),
        hessian_(normalized_.get()),
        options_(options),
        threads_(threads),
        factor_(factor<Scalar>(hessian_, options.damping, options.act_order, threads)),
        correction_(pair != nullptr ? correction(*pair, normalized_.by(), factor_) : dense_matrix<Scalar>()),
        choice_(target, hessian_, factor_, options, correction_.size() > 0 ? &correction_ : nullptr),
        feedback_(choice_.feedback()),
        errors_(options.report != nullptr ? target.rows() : 0) {
    if (options.effort == effort::best) prepare_search();
  }

  void run() {
    // Panels are the same whatever the number of threads, and enough to keep many busy.
    const index_t rows = target_.rows(), height = std::clamp<index_t>((rows / 8 + 15) / 16 * 16, 16, 128);
    parallel_for((rows + height - 1) / height, threads_,
                 [&](index_t i) { round_panel(i * height, std::min(height, rows - i * height)); });
    if (options_.report != nullptr) *options_.report = errors_.total(factor_, 1 / normalized_.by());
  }

 private:
  /// The search also starts from the codes of the other order of columns.
  void prepare_search() {
    gptq_options other = options_;
    other.act_order = !options_.act_order;
    other_factor_ = factor<Scalar>(hessian_, options_.damping, other.act_order, threads_);
    other_choice_ = std::make_unique<feedback_choice<Scalar>>(
        target_, hessian_, other_factor_, other, correction_.size() > 0 ? &correction_ : nullptr);
    const Scalar share = shrinkage<Scalar>(hessian_);
    trusted_added_ = factor_.added + static_cast<double>(share / (1 - share)) * hessian_.diagonal();
    trusted_systems_ = systems(trusted_added_);
  }

  std::vector<group_system<Scalar>> systems(const Eigen::VectorXd& added) const {
    std::vector<group_system<Scalar>> all;
    const column_layout& layout = feedback_.layout();
    for (index_t l = 0; l < layout.lines(); ++l) {
      const index_t begin = layout.line_begin(l),
                    end = l + 1 < layout.lines() ? layout.line_begin(l + 1) : layout.cols;
      all.emplace_back(hessian_.matrix(), added, begin, end - begin);
    }
    return all;
  }

  void round_panel(index_t first, index_t count) {
    feedback_panel<Scalar> p;
    if (options_.report != nullptr) {
      p = feedback_.read(first, count, false);
      feedback_.round_nearest(p);
      errors_.add(p, factor_, &gptq_report::nearest_error);
      errors_.add_energy(p, factor_);
    }
    p = choice_.round(first, count);
    if (options_.report != nullptr) {
      errors_.add(p, factor_, &gptq_report::gptq_error);
      errors_.add_prediction(p, factor_, target_, feedback_.layout());
    }
    if (options_.effort == effort::best) refine(p);
    if (options_.report != nullptr) errors_.add(p, factor_, &gptq_report::error);
    store(p);
  }

  /// Searches from both starts for the least error on samples to come, as far as those seen tell. Rows that
  /// this makes worse on those seen are searched anew for these alone.
  void refine(feedback_panel<Scalar>& p) {
    feedback_panel<Scalar> other = other_start(p);
    row_major_matrix<Scalar> weights(p.count, target_.cols());
    for (index_t i = 0; i < target_.cols(); ++i)
      weights.col(factor_.order[static_cast<std::size_t>(i)]) = p.weights.col(i);
    const feedback_panel<Scalar> plain = p, other_plain = other;

    coordinate_descent<Scalar> trusted(target_, hessian_.matrix(), trusted_added_, trusted_systems_);
    std::vector<index_t> rows(static_cast<std::size_t>(p.count));
    std::iota(rows.begin(), rows.end(), index_t{0});
    refine(trusted, p, other, weights, rows);

    coordinate_descent<Scalar> seen(target_, hessian_.matrix(), factor_.added, seen_systems());
    const Eigen::VectorX<Scalar> error = seen.measure(p, weights);
    feedback_panel<Scalar> before = plain;
    const Eigen::VectorX<Scalar> error_before = seen.measure(before, weights);
    std::erase_if(rows, [&](index_t r) { return !(error(r) > error_before(r)); });
    if (!rows.empty()) {
      for (const index_t r : rows) p.copy_row(plain, r);
      other = other_plain;
      refine(seen, p, other, weights, rows);
    }
    for (index_t r = 0; r < p.count; ++r) feedback_.compute_differences(p, r);
  }

  /// The same rows rounded in the other order of columns; with the same parameters, where those stay.
  feedback_panel<Scalar> other_start(const feedback_panel<Scalar>& p) const {
    if (target_.adjustable()) return other_choice_->round(p.first, p.count);
    const error_feedback<Scalar>& feedback = other_choice_->feedback();
    feedback_panel<Scalar> other = feedback.read(p.first, p.count, false);
    other.lines = p.lines;
    feedback.round(other, false);
    return other;
  }

  /// Refines rows of two panels; the better of each ends in the first.
  void refine(coordinate_descent<Scalar>& refinement, feedback_panel<Scalar>& p,
              feedback_panel<Scalar>& other, const row_major_matrix<Scalar>& weights,
              const std::vector<index_t>& rows) const {
    const Eigen::VectorX<Scalar> error = refinement.run(p, weights, rows),
                                 other_error = refinement.run(other, weights, rows);
    for (const index_t r : rows)
      if (other_error(r) < error(r)) p.copy_row(other, r);
  }

  /// Made when the first panel needs them.
  const std::vector<group_system<Scalar>>& seen_systems() {
    std::call_once(seen_systems_made_, [&] { seen_systems_ = systems(factor_.added); });
    return seen_systems_;
  }

  void store(const feedback_panel<Scalar>& p) {
    const auto levels = target_.levels();
    std::vector<std::uint8_t> fields(static_cast<std::size_t>(target_.cols()));
    for (index_t r = 0; r < p.count; ++r) {
      for (index_t c = 0; c < target_.cols(); ++c)
        fields[static_cast<std::size_t>(c)] = levels[p.row_choice(r)[c]].field;
      target_.store(p.first + r, fields.data(), p.row_lines(r));
    }
  }

  feedback_target& target_;
  normalized_hessian<Scalar> normalized_;
  const hessian& hessian_;
  const gptq_options& options_;
  int threads_;
  feedback_factor<Scalar> factor_, other_factor_;
  dense_matrix<Scalar> correction_;
  feedback_choice<Scalar> choice_;
  const error_feedback<Scalar>& feedback_;
  std::unique_ptr<feedback_choice<Scalar>> other_choice_;
  Eigen::VectorXd trusted_added_;  ///< to the diagonal where samples are few: damping and shrinkage
  std::vector<group_system<Scalar>> trusted_systems_, seen_systems_;
  std::once_flag seen_systems_made_;
  feedback_error errors_;
};

}  // namespace detail

template <class Scalar>
void gptq<Scalar>::round(feedback_target& target, int threads) const {
  if (hessian_->inputs() != target.cols())
    raise(shape_error("gptq: expected a Hessian of " + std::to_string(target.cols()) +
                      " inputs, one for each column of the matrix, found " +
                      std::to_string(hessian_->inputs())));
  const detail::serial_products serial;
  if (target.rows() > 0) detail::gptq_run<Scalar>(target, *hessian_, pair_, options_, threads).run();
}

}  // namespace bitgauge
