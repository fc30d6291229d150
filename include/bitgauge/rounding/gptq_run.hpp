#pragma once

/// \file
/// GPTQ of one matrix, from its Hessian to codes.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/choice.hpp>
#include <bitgauge/rounding/feedback/correction.hpp>
#include <bitgauge/rounding/feedback/error.hpp>
#include <bitgauge/rounding/feedback/error_feedback.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/normalized_hessian.hpp>
#include <bitgauge/rounding/feedback/shrinkage.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>
#include <bitgauge/rounding/search/coordinate_descent.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <numeric>
#include <type_traits>
#include <vector>

namespace bitgauge::detail {

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
    trusted_added_ = factor_.added;
    for (index_t c = 0; c < hessian_.inputs(); ++c)
      trusted_added_(c) += static_cast<double>(share / (1 - share)) * hessian_.matrix()(c, c);
    trusted_systems_ = systems(trusted_added_);
    if constexpr (!std::is_same_v<Scalar, double>) {
      narrow_hessian_.resize(hessian_.inputs(), hessian_.inputs());
      for (index_t c = 0; c < hessian_.inputs(); ++c)
        for (index_t r = 0; r < hessian_.inputs(); ++r)
          narrow_hessian_(r, c) = static_cast<Scalar>(hessian_.matrix()(r, c));
    }
  }

  std::vector<group_system<Scalar>> systems(const Eigen::VectorXd& added) const {
    std::vector<group_system<Scalar>> all;
    const column_layout& layout = feedback_.layout();
    for (index_t g = 0; g < layout.groups(); ++g)
      all.emplace_back(hessian_.matrix(), added, layout.group_begin(g),
                       layout.group_end(g) - layout.group_begin(g));
    return all;
  }

  numeric::matrix_view<const Scalar> hessian_view() const {
    if constexpr (std::is_same_v<Scalar, double>) {
      return numeric::view_of(hessian_.matrix());
    } else {
      return numeric::view_of(narrow_hessian_);
    }
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
    for (index_t r = 0; r < p.count; ++r)
      for (index_t i = 0; i < target_.cols(); ++i)
        weights(r, factor_.order[static_cast<std::size_t>(i)]) = p.weights(r, i);
    const feedback_panel<Scalar> plain = p, other_plain = other;

    coordinate_descent<Scalar> trusted(target_, hessian_view(), trusted_added_, trusted_systems_);
    std::vector<index_t> rows(static_cast<std::size_t>(p.count));
    std::iota(rows.begin(), rows.end(), index_t{0});
    refine(trusted, p, other, weights, rows);

    coordinate_descent<Scalar> seen(target_, hessian_view(), factor_.added, seen_systems());
    const std::vector<Scalar> error = seen.measure(p, weights);
    feedback_panel<Scalar> before = plain;
    const std::vector<Scalar> error_before = seen.measure(before, weights);
    std::erase_if(rows, [&](index_t r) { return !(of(error, r) > of(error_before, r)); });
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
    other.maps = p.maps;
    feedback.round(other, false);
    return other;
  }

  /// Refines rows of two panels; the better of each ends in the first.
  void refine(coordinate_descent<Scalar>& refinement, feedback_panel<Scalar>& p,
              feedback_panel<Scalar>& other, const row_major_matrix<Scalar>& weights,
              const std::vector<index_t>& rows) const {
    const std::vector<Scalar> error = refinement.run(p, weights, rows),
                              other_error = refinement.run(other, weights, rows);
    for (const index_t r : rows)
      if (of(other_error, r) < of(error, r)) p.copy_row(other, r);
  }

  static Scalar of(const std::vector<Scalar>& errors, index_t r) {
    return errors[static_cast<std::size_t>(r)];
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
      target_.store(p.first + r, fields.data(), p.row_maps(r));
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
  dense_matrix<Scalar> narrow_hessian_;  ///< the Hessian, where Scalar is not double
  Eigen::VectorXd trusted_added_;        ///< to the diagonal where samples are few: damping and shrinkage
  std::vector<group_system<Scalar>> trusted_systems_, seen_systems_;
  std::once_flag seen_systems_made_;
  feedback_error errors_;
};

}  // namespace bitgauge::detail
