#pragma once

/// \file
/// The search for the scale of a codebook.

#include <bitgauge/effort.hpp>
#include <bitgauge/range/search/exact_scale_search.hpp>
#include <bitgauge/range/search/ladder.hpp>
#include <bitgauge/range/search/level_codes.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge::detail {

/// Searches any grid without zero points for a group with something in it (energy > 0).
class level_scale_search {
 public:
  level_scale_search(const search_group& group, const any_grid& grid, best_scale& best)
      : group_(group), codes_(group, grid.levels()), best_(best) {}

  void run(effort effort) {
    const double fit = covering_scale();
    if (!(fit > 0)) return;  // no level on the side of any element
    const int scales = effort == effort::fast ? 8 : 24;
    double spacing = scan(scales, fit);
    if (effort == effort::best) return exact(fit);
    while (effort == effort::normal && best_.found() && spacing > 1.04) {
      const trial_neighbourhood near(scales, 1 / best_.wanted(), spacing);
      trials_.clear();
      for (int i = 0; i < scales; ++i) trials_.add(near.inverse(i), {});
      offer_trials();
      spacing = near.spacing();
    }
  }

 private:
  double covering_scale() const {
    return std::max(codes_.highest() > 0 ? group_.high / codes_.highest() : 0,
                    codes_.lowest() < 0 ? group_.low / codes_.lowest() : 0);
  }

  double scan(int count, double fit) {
    const double levels = static_cast<double>(codes_.level_count()) / 2;
    const trial_ladder ladder(count, 1 / (fit * levels), levels,
                              std::sqrt(0.1 * static_cast<double>(group_.count)));
    trials_.clear();
    for (int i = 0; i < count; ++i) trials_.add(ladder.inverse(i), {});
    return offer_trials();
  }

  double offer_trials() {
    codes_.evaluate(trials_);
    const std::size_t best = trials_.best();
    best_.offer(trials_[best].sums, {});
    return trials_.spacing(best, 1);
  }

  void exact(double fit) {
    double smallest = fit;
    while (smallest > static_cast<double>(best_.smallest()) &&
           codes_.clipping_error({}, smallest) < best_.error())
      smallest *= 0.88;
    scale_search<level_codes> search(group_, codes_, best_);
    search.run({}, smallest, std::max(codes_.coarsest(), fit) * 1.1);
  }

  const search_group& group_;
  level_codes codes_;
  best_scale& best_;
  trial_batch trials_;
};

}  // namespace bitgauge::detail
