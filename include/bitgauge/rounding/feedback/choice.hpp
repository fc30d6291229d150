#pragma once

/// \file
/// Error feedback with parameters from several sources, of which every row keeps the best.

#include <bitgauge/rounding/feedback/error_feedback.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::detail {

/// Which parameters to try for blocks within rows.
///
/// Up-to-date weights have grown by the errors fed back to them. At 4 bits and more, parameters that suit
/// them clip less than those of the original weights; at 2 and 3 bits their steps are so much wider that the
/// errors grow from block to block. Neither is better for all rows of one matrix, so both are tried. Weights from
/// the start of a batch, where they are another case, make sure that no row is worse than with the authors'
/// program.
inline std::vector<fitted_to> ways_to_fit(const feedback_target& target, const gptq_options& o) {
  const bool one =
      o.static_groups || o.act_order || target.fitted_beforehand() || target.block_width() >= target.cols();
  if (one) return {fitted_to::original};
  if (o.effort == effort::reference) return {fitted_to::batch_begin};
  if (o.effort == effort::fast) return {fitted_to::up_to_date};
  const bool starts_within_batches = target.block_width() % std::max<index_t>(1, o.batch) != 0;
  if (starts_within_batches && target.cols() > o.batch)
    return {fitted_to::batch_begin, fitted_to::up_to_date, fitted_to::original};
  return {fitted_to::up_to_date, fitted_to::original};
}

/// Rounds rows in each of several ways and keeps, of each row, what leaves the least output error on the
/// samples seen. Cost: that of error_feedback for each way.
template <class Scalar>
class feedback_choice {
 public:
  feedback_choice(feedback_target& target, const hessian& h, const feedback_factor<Scalar>& factor,
                  const gptq_options& options, const dense_matrix<Scalar>* correction) {
    for (const fitted_to way : ways_to_fit(target, options))
      ways_.emplace_back(target, h, factor, options, way, correction);
    const bool free = !options.static_groups && options.act_order && !target.fitted_beforehand() &&
                      target.block_width() < target.cols();
    fits_twice_ = free && (options.effort == effort::normal || options.effort == effort::best);
  }

  /// One of the ways: for what does not depend on parameters.
  const error_feedback<Scalar>& feedback() const { return ways_.back(); }

  feedback_panel<Scalar> round(index_t first, index_t count) const {
    feedback_panel<Scalar> best = ways_.front().read(first, count);
    ways_.front().round(best);
    std::vector<bool> last(static_cast<std::size_t>(count),
                           true);  // rows whose parameters are the last asked for
    for (std::size_t i = 1; i < ways_.size(); ++i) {
      feedback_panel<Scalar> other = ways_[i].read_again(best);
      ways_[i].round(other);
      keep_better(other, best, last);
    }
    if (fits_twice_) {
      // in any other order than that of the matrix, blocks begin everywhere: fit to what their weights came to
      feedback_panel<Scalar> other = ways_.back().read_again(best);
      ways_.back().fit(other, best.rounded);
      ways_.back().round(other, false);
      keep_better(other, best, last);
    }
    for (index_t r = 0; r < count; ++r)
      if (!last[static_cast<std::size_t>(r)]) ways_.back().fit_again(best, r);
    return best;
  }

 private:
  static void keep_better(const feedback_panel<Scalar>& other, feedback_panel<Scalar>& best,
                          std::vector<bool>& last) {
    for (index_t r = 0; r < best.count; ++r) {
      const bool better = other.row_error(r) < best.row_error(r);
      last[static_cast<std::size_t>(r)] = better;
      if (better) best.copy_row(other, r);
    }
  }

  std::vector<error_feedback<Scalar>> ways_;
  bool fits_twice_ = false;
};

}  // namespace bitgauge::detail
