#pragma once

/// \file
/// The exact search for the scale of least squared error: branch and bound over the scale, then a sweep of
/// the breakpoints that are left.
///
/// The bound. Between two scales a < b let q be the nearest codes at b. As s falls from b, the gain
/// E_q(s) - E(s) of choosing nearest codes anew is a sum over elements of terms that start at 0 and grow
/// until s = b / 2 (for a change from level l to l' the term is 2 x s (l' - l) - s^2 (l'^2 - l^2), whose
/// derivative in s is negative down to half of its breakpoint 2 x / (l + l')). So, where b <= 2 a,
///     E(s) >= min over [a, b] of E_q  -  (E_q(a) - E(a)),
/// and in the same way with the codes at a. Both need only the sums at the two ends.

#include <bitgauge/range/search/best_scale.hpp>
#include <bitgauge/range/search/breakpoint.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge::detail {

/// Searches one window of codes; `Codes` is integer_codes or level_codes.
template <class Codes>
class scale_search {
 public:
  scale_search(const search_group& group, const Codes& codes, best_scale& best)
      : group_(group), codes_(codes), best_(best) {}

  /// Finds whether a scale in [from, to] beats the best so far. Cost: a few dozen evaluations and a sweep of
  /// a small part of the breakpoints; memory in proportion to the elements.
  void run(code_window window, double from, double to) {
    do {
      from = start(window, from, to);
      double left = prune();
      while (left > affordable() && 2 * count_ <= capacity) {
        bisect(window);
        left = prune();
      }
      for (std::size_t first = 0; first < count_;) {
        std::size_t last = first;
        while (last + 1 < count_ && cells_[last].high.inverse == cells_[last + 1].low.inverse) ++last;
        sweep(window, cells_[first].low, cells_[last].high);
        first = last + 1;
      }
    } while (from < to);
  }

 private:
  /// A trial with what the bounds need of it.
  struct bracket : trial {
    double scale;
    double error;  ///< at that scale
    double least;  ///< the scale of least error for its codes
  };
  /// A range of scales between two trials.
  struct cell {
    bracket low, high;
  };
  static constexpr std::size_t capacity = 2 * trial_batch::capacity;

  /// Breakpoints that are swept sooner than divided further.
  double affordable() const { return 8 + static_cast<double>(group_.count) / 8; }

  void evaluate() {
    codes_.evaluate(trials_);
    const std::size_t best = trials_.best();
    best_.offer(trials_[best].sums, trials_.window(best));
  }

  /// A geometric grid, coarse where scales are large and the error is far from its least. Returns where it
  /// ends, which is before `to` only for extreme ranges.
  double start(code_window window, double from, double to) {
    trials_.clear();
    double scale = from;
    for (double ratio = 1.08; scale < to && trials_.size() + 1 < trial_batch::capacity;
         scale *= ratio, ratio = std::min(ratio * 1.03, 1.6))
      trials_.add(1 / scale, window);
    const double end = std::min(scale, to);
    trials_.add(1 / end, window);
    evaluate();
    count_ = trials_.size() - 1;
    for (std::size_t i = 0; i < count_; ++i) cells_[i] = {measured(trials_[i]), measured(trials_[i + 1])};
    return end;
  }

  /// Drops the cells in which nothing can win. Returns how many breakpoints the others may hold.
  double prune() {
    double left = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (best_.beats(lower_bound(cells_[i]))) continue;
      left += codes_.expected_breakpoints(cells_[i].low.inverse, cells_[i].high.inverse);
      cells_[kept++] = cells_[i];
    }
    count_ = kept;
    return left;
  }

  void bisect(code_window window) {
    trials_.clear();
    for (std::size_t i = 0; i < count_; ++i)
      trials_.add(std::sqrt(cells_[i].low.inverse * cells_[i].high.inverse), window);
    evaluate();
    for (std::size_t i = count_; i-- > 0;) {
      const cell whole = cells_[i];
      const bracket middle = measured(trials_[i]);
      cells_[2 * i + 1] = {middle, whole.high};
      cells_[2 * i] = {whole.low, middle};
    }
    count_ *= 2;
  }

  bracket measured(const trial& t) const {
    const double scale = 1 / t.inverse, least = t.sums.square > 0 ? t.sums.linear / t.sums.square : scale;
    return {t, scale, group_.error(t.sums, scale), least};
  }

  double lower_bound(const cell& c) const {
    return std::max(bound_from(c.high, c.low, c), bound_from(c.low, c.high, c));
  }
  /// Least error of the codes of `end` within the cell, less what nearest codes gain at the other end.
  double bound_from(const bracket& end, const bracket& other, const cell& c) const {
    const double at = std::clamp(end.least, c.low.scale, c.high.scale);
    return group_.error(end.sums, at) - (group_.error(end.sums, other.scale) - other.error);
  }

  /// Visits every set of nearest codes between the two scales.
  void sweep(code_window window, const bracket& from, const bracket& to) {
    breakpoints_.clear();
    codes_.breakpoints(window, from.inverse, to.inverse, breakpoints_);
    code_sums sums = from.sums;
    double begin = from.scale;
    for (const breakpoint& b : breakpoints_.sorted()) {
      best_.offer(sums, window, begin, std::max(begin, b.scale));
      const code_sums change = codes_.change(b);
      sums.linear += change.linear;
      sums.square += change.square;
      begin = std::max(begin, b.scale);
    }
    best_.offer(sums, window, begin, std::max(begin, to.scale));
  }

  const search_group& group_;
  const Codes& codes_;
  best_scale& best_;
  trial_batch trials_;
  breakpoint_list breakpoints_;
  std::size_t count_ = 0;
  cell cells_[capacity];
};

}  // namespace bitgauge::detail
