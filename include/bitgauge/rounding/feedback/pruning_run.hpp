#pragma once

/// \file
/// SparseGPT of one matrix, from its Hessian to a mask and codes.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/error.hpp>
#include <bitgauge/rounding/feedback/error_feedback.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/normalized_hessian.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>
#include <bitgauge/rounding/pruning_mask.hpp>
#include <bitgauge/rounding/sparse_gpt.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// One call of sparse_gpt::round. All rows go through the batches of columns together, as an unstructured mask is chosen
/// over all of them.
class pruning_run {
 public:
  /// `floats`: where rows go that are not rounded, or null.
  pruning_run(feedback_target& target, const sparse_gpt& how, int threads, float* floats)
      : target_(target),
        pattern_(how.pattern()),
        given_(how.given()),
        options_(how.options()),
        threads_(threads),
        floats_(floats),
        zeroes_(floats != nullptr || options_.mask != nullptr),
        rows_(target.rows()),
        cols_(target.cols()),
        normalized_(how.inputs()),
        factor_(factor<double>(normalized_.get(), options_.damping, false, threads)),
        feedback_(target, normalized_.get(), factor_, feedback_options(), way_to_fit(), nullptr),
        pruned_(static_cast<std::size_t>(rows_ * cols_)) {}

  void run() {
    if (given_ != nullptr)
      for (index_t r = 0; r < rows_; ++r) given_->read_row(r, flags_of(r));
    read();
    for (std::size_t i = 0; i < feedback_.batches().size(); ++i) {
      for_each_panel([&](index_t p) { feedback_.begin_batch(panel(p), i, current_[as_index(p)]); });
      if (given_ == nullptr && pattern_.is_unstructured() && pattern_.share() > 0) choose_of_batch(i);
      for_each_panel([&](index_t p) { prune_batch(p, i); });
    }
    for_each_panel([&](index_t p) { store(panel(p)); });
    report();
  }

 private:
  using panel_type = feedback_panel<double>;

  static std::size_t as_index(index_t i) { return static_cast<std::size_t>(i); }
  panel_type& panel(index_t p) { return panels_[as_index(p)]; }
  std::uint8_t* flags_of(index_t row) { return pruned_.data() + row * cols_; }
  template <class Action>
  void for_each_panel(const Action& action) {
    parallel_for(static_cast<index_t>(panels_.size()), threads_, action);
  }

  gptq_options feedback_options() const {
    const index_t of = std::max<index_t>(1, pattern_.of());
    return {.batch = (options_.batch + of - 1) / of * of};
  }
  /// Groups of n_of_m must not be cut by batches, which end where blocks start whose parameters are up to date.
  fitted_to way_to_fit() const {
    const index_t block = target_.block_width(), of = std::max<index_t>(1, pattern_.of());
    const bool original =
        options_.static_groups || target_.fitted_beforehand() || block >= cols_ || block % of != 0;
    return original ? fitted_to::original : fitted_to::up_to_date;
  }

  void read() {
    const index_t height = std::clamp<index_t>((rows_ / 8 + 15) / 16 * 16, 16, 128),
                  count = (rows_ + height - 1) / height;
    panels_.resize(as_index(count));
    current_.resize(as_index(count));
    for_each_panel([&](index_t p) {
      panel(p) = feedback_.read(p * height, std::min(height, rows_ - p * height));
      std::fill(panel(p).error.begin(), panel(p).error.end(), 0.0);
    });
  }

  /// The root of what it would cost to prune a weight.
  double cost(double weight, index_t col) const { return std::fabs(weight) * factor_.upper(col, col); }

  /// Marks the weights of a batch whose cost is at most that of number count * share.
  void choose_of_batch(std::size_t i) {
    const index_t begin = feedback_.batches()[i].begin, width = feedback_.batches()[i].end - begin;
    std::vector<double> costs(as_index(rows_ * width));
    for_each_panel([&](index_t p) {
      for (index_t r = 0; r < panel(p).count; ++r)
        for (index_t c = 0; c < width; ++c)
          costs[as_index((panel(p).first + r) * width + c)] = cost(current_[as_index(p)](r, c), begin + c);
    });
    std::vector<double> sorted = costs;
    const auto nth =
        sorted.begin() + static_cast<index_t>(static_cast<double>(costs.size()) * pattern_.share());
    std::nth_element(sorted.begin(), nth, sorted.end());
    for (index_t r = 0; r < rows_; ++r)
      for (index_t c = 0; c < width; ++c) flags_of(r)[begin + c] = costs[as_index(r * width + c)] <= *nth;
  }

  /// Marks the cheapest of the neighbours from column `begin` on.
  void choose_of_group(const double* current, index_t begin, std::uint8_t* flags) const {
    const index_t width = std::min(pattern_.of(), cols_ - begin);
    std::array<std::pair<double, index_t>, 64> costs;
    for (index_t c = 0; c < width; ++c) costs[as_index(c)] = {cost(current[c], begin + c), begin + c};
    const index_t pruned = pattern_.pruned_of(width);
    std::partial_sort(costs.begin(), costs.begin() + pruned, costs.begin() + width);
    for (index_t c = 0; c < pruned; ++c) flags[costs[as_index(c)].second] = 1;
  }

  void prune_batch(index_t p, std::size_t i) {
    panel_type& rows = panel(p);
    const bool chooses = given_ == nullptr && !pattern_.is_unstructured();
    for (index_t r = 0; r < rows.count; ++r) {
      std::uint8_t* flags = flags_of(rows.first + r);
      feedback_.round_row(rows, r, i, current_[as_index(p)].row(r),
                          [&](index_t position, index_t col, const double* weight) {
                            if (chooses && position % pattern_.of() == 0)
                              choose_of_group(weight, position, flags);
                            return value_of(rows, r, col, *weight, flags[col] != 0);
                          });
    }
  }

  /// What a weight becomes.
  double value_of(panel_type& p, index_t r, index_t col, double weight, bool pruned) {
    if (pruned) weight = 0;
    if (floats_ != nullptr) {
      p.rounded(r, col) = static_cast<float>(weight);
      return static_cast<double>(p.rounded(r, col));
    }
    const double real = feedback_.rounded(p, r, col, weight);
    return pruned && zeroes_ ? 0 : real;
  }

  void store(const panel_type& p) {
    const auto levels = target_.levels();
    std::vector<std::uint8_t> fields(as_index(cols_));
    for (index_t r = 0; r < p.count; ++r) {
      if (floats_ != nullptr) {
        std::copy_n(p.rounded.row(r), cols_, floats_ + (p.first + r) * cols_);
        continue;
      }
      for (index_t c = 0; c < cols_; ++c) fields[as_index(c)] = levels[p.row_choice(r)[c]].field;
      target_.store(p.first + r, fields.data(), p.row_maps(r));
    }
  }

  void report() {
    if (options_.mask != nullptr) *options_.mask = pruning_mask::from_flags(pattern_, rows_, cols_, pruned_);
    if (options_.report == nullptr) return;
    feedback_error errors(rows_);
    for (const panel_type& p : panels_) {
      errors.add(p, factor_, &gptq_report::error);
      errors.add_energy(p, factor_);
    }
    gptq_report all = errors.total(factor_, 1 / normalized_.by());
    *options_.report = {all.energy,
                        all.error,
                        static_cast<index_t>(rows_ * cols_ - std::count(pruned_.begin(), pruned_.end(), 0)),
                        all.damping,
                        all.damping_raised,
                        std::move(all.dead_columns)};
  }

  feedback_target& target_;
  pruning_pattern pattern_;
  const pruning_mask* given_;
  const sparse_gpt_options& options_;
  int threads_;
  float* floats_;
  bool zeroes_;
  index_t rows_, cols_;
  normalized_hessian<double> normalized_;
  feedback_factor<double> factor_;
  error_feedback<double> feedback_;
  std::vector<std::uint8_t> pruned_;  ///< a flag a weight, row after row
  std::vector<panel_type> panels_;
  std::vector<row_major_matrix<double>> current_;  ///< the batch's weights of each panel
};

}  // namespace bitgauge::detail
