#pragma once

/// \file
/// What awq_clip.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/fit/finite_rows.hpp>
#include <bitgauge/metrics/quadratic_form.hpp>
#include <bitgauge/transform/awq/awq_clip.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// The ends of all groups, and the best so far.
class awq_clip_search {
 public:
  awq_clip_search(const row_source& weights, const hessian& h, granularity groups, const awq_clip_options& o,
                  const run_trial& trial)
      : trial_(trial),
        threads_(o.threads),
        groups_(groups, weights.rows(), weights.cols()),
        weights_(weights.rows(), weights.cols()),
        no_scaling_(Eigen::VectorXf::Ones(weights.cols())) {
    if (weights_.size() > 0) read_finite_rows(weights, 0, weights.rows(), false, weights_.data());
    largest_.setZero(groups_.count());
    Eigen::VectorXf magnitudes = Eigen::VectorXf::Zero(weights.cols());
    for (index_t r = 0; r < weights.rows(); ++r) {
      magnitudes = magnitudes.cwiseMax(weights_.row(r).cwiseAbs().transpose());
      each_run(r, [&](index_t first, index_t count, index_t g) {
        for (index_t i = first; i < first + count; ++i)
          largest_(g) = std::max(largest_(g), std::fabs(weights_.data()[i]));
      });
    }
    lowest_ = -largest_;
    highest_ = largest_;
    if (groups_.count() == 0) return;
    for (index_t first = 0; first < weights.cols(); first += groups_.run()) {
      const index_t count = std::min(groups_.run(), weights.cols() - first);
      forms_.emplace_back(h, first, count,
                          std::span<const float>(magnitudes.data() + first, static_cast<std::size_t>(count)));
    }
    errors_ = plain_ = errors_of(weights_);
  }

  /// Tries shorter intervals of every group: both ends, or one of them, at `share` of the largest magnitude.
  void attempt(float share, bool lower, bool upper) {
    if (groups_.count() == 0) return;
    Eigen::VectorXf low = lowest_, high = highest_;
    if (lower) low = -(largest_ * share);
    if (upper) high = largest_ * share;
    const std::vector<double> errors = errors_of(clipped(low, high));
    for (std::size_t g = 0; g < errors.size(); ++g) {
      if (!(errors[g] < errors_[g])) continue;
      errors_[g] = errors[g];
      const auto at = static_cast<index_t>(g);
      lowest_(at) = low(at);
      highest_(at) = high(at);
    }
  }

  awq_clipped result() const {
    return {clipped(lowest_, highest_), lowest_, highest_, std::accumulate(plain_.begin(), plain_.end(), 0.0),
            std::accumulate(errors_.begin(), errors_.end(), 0.0)};
  }

 private:
  /// Calls action(first weight of a run in `row`, their number, group).
  template <class Action>
  void each_run(index_t row, const Action& action) const {
    const index_t n = weights_.cols(), width = groups_.run();
    for (index_t run = 0, c = 0; c < n; ++run, c += width)
      action(row * n + c, std::min(width, n - c), groups_.group_of_run(row, run));
  }

  row_matrix clipped(const Eigen::VectorXf& low, const Eigen::VectorXf& high) const {
    row_matrix all(weights_.rows(), weights_.cols());
    constexpr index_t height = 16;
    parallel_for((weights_.rows() + height - 1) / height, threads_, [&](index_t panel) {
      for (index_t r = panel * height; r < std::min((panel + 1) * height, weights_.rows()); ++r)
        each_run(r, [&](index_t first, index_t count, index_t g) {
          const float least = low(g), most = high(g);
          for (index_t i = first; i < first + count; ++i)
            all.data()[i] = std::clamp(weights_.data()[i], least, most);
        });
    });
    return all;
  }

  /// Of each group, where what is quantized is `clipped`: by panels of rows, whose sums are added in their
  /// order.
  std::vector<double> errors_of(const row_matrix& clipped) const {
    constexpr index_t height = 96;
    const index_t rows = weights_.rows(), n = weights_.cols(), runs = groups_.runs_per_row(),
                  panels = (rows + height - 1) / height;
    const decode_trial decode = trial_(clipped, no_scaling_);
    const bool within_rows = groups_.within_rows();
    // [panel][row][run], of groups that span rows [panel][run]
    const auto room = static_cast<std::size_t>((within_rows ? rows : panels) * runs);
    std::vector<double> parts(room);
    parallel_for(panels, threads_, [&](index_t panel) {
      const index_t first = panel * height, count = std::min(height, rows - first);
      std::vector<float> decoded(static_cast<std::size_t>(count * n)), d;
      for (index_t r = 0; r < count; ++r) decode(first + r, decoded.data() + r * n);
      std::vector<double> sums(static_cast<std::size_t>(count));
      for (index_t run = 0, column = 0; run < runs; ++run, column += groups_.run()) {
        const quadratic_form& form = forms_[static_cast<std::size_t>(run)];
        d.resize(static_cast<std::size_t>(count * form.stride()));
        for (index_t r = 0; r < count; ++r)
          form.weigh(weights_.data() + (first + r) * n + column, decoded.data() + r * n + column,
                     d.data() + r * form.stride());
        std::ranges::fill(sums, 0.0);
        form.add_values(d.data(), count, sums.data());
        for (index_t r = 0; r < count; ++r) {
          const index_t at = (within_rows ? first + r : panel) * runs + run;
          parts[static_cast<std::size_t>(at)] += sums[static_cast<std::size_t>(r)] * form.unit();
        }
      }
    });
    std::vector<double> errors(static_cast<std::size_t>(groups_.count()));
    for (index_t i = 0; i < static_cast<index_t>(parts.size()); ++i) {
      const index_t group = groups_.group_of_run(within_rows ? i / runs : 0, i % runs);
      errors[static_cast<std::size_t>(group)] += parts[static_cast<std::size_t>(i)];
    }
    return errors;
  }

  const run_trial& trial_;
  int threads_;
  grouping groups_;
  row_matrix weights_;
  channel_scaling no_scaling_;
  std::vector<quadratic_form> forms_;  ///< of each run of inputs
  Eigen::VectorXf largest_, lowest_, highest_;
  std::vector<double> errors_, plain_;
};

BITGAUGE_DEFINE awq_clipped search_awq_clip(const row_source& weights, const hessian& h, granularity groups,
                                            const awq_clip_options& o, const run_trial& trial) {
  if (o.steps < 1 || !(o.shrink >= 0 && o.shrink <= 1))
    raise_message<shape_error>(
        {"awq_clip: expected at least 1 step and a shrink of 0 to 1, found ", o.steps, " and ", o.shrink});
  require_awq_hessian("awq_clip", weights.cols(), h);
  awq_clip_search search(weights, h, groups, o, trial);
  const auto shares = [&](bool lower, bool upper) {
    // the authors' range(int(shrink * steps)), and as theirs a share is rounded once; 0.29 * 100 is below 29
    const double count = o.shrink * static_cast<double>(o.steps);
    for (index_t i = 1; static_cast<double>(i) <= count - 1 + 1e-9; ++i)
      search.attempt(static_cast<float>(1 - static_cast<double>(i) / static_cast<double>(o.steps)), lower,
                     upper);
  };
  shares(true, true);
  if (o.separate_ends) {
    shares(false, true);
    shares(true, false);
  }
  return search.result();
}

}  // namespace bitgauge::detail
