#pragma once

/// \file
/// The best codes, scale and zero point for the columns of one line of one row, all other columns held fast:
/// a closest vector problem of modest size.

#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/search/group_system.hpp>
#include <bitgauge/rounding/search/k_best_decoder.hpp>
#include <bitgauge/rounding/search/level_lanes.hpp>
#include <bitgauge/rounding/search/nearest_plane_decoder.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// A line and choices for its columns, in the order of its system.
struct group_choice {
  number_line line;
  std::vector<std::uint8_t> choice;
  double cost = std::numeric_limits<double>::infinity();  ///< damped squared error of the line's columns
};

/// Searches min over choices z and lines of (t - real(z)) G (t - real(z))^T, t the values that would be best
/// were there no grid. Scales around the present one, with each neighbouring zero point, are decoded by
/// Babai's nearest plane, the cheapest few then with several beginnings kept, and given the scale that is
/// best for their choices. All in floats and sums of double that no compiler can change; the caller measures
/// what is found.
class closest_vector_search {
 public:
  closest_vector_search(const feedback_target& target, const level_lanes& levels)
      : target_(target), levels_(levels), decoder_(levels), paths_(levels) {}

  /// The best that is found for line l of a row, whose line is `present`; null where nothing is. Until the
  /// next call.
  const group_choice* run(index_t row, index_t l, const group_factors& f, const float* values,
                          const number_line& present) {
    row_ = row;
    line_ = l;
    candidates_.clear();
    if (target_.adjustable()) {
      collect(f, values, present);
    } else if (levels_.usable(present)) {
      candidates_.push_back({present, std::vector<std::uint8_t>(static_cast<std::size_t>(f.width))});
    }
    for (group_choice& candidate : candidates_) {
      choice_.resize(static_cast<std::size_t>(f.width));
      const double cost = paths_.decode(f, values, candidate.line, choice_.data());
      if (cost < candidate.cost) {
        candidate.cost = cost;
        std::swap(candidate.choice, choice_);
      }
    }
    if (candidates_.empty()) return nullptr;
    if (target_.adjustable()) polish(f, values);
    return &candidates_.front();
  }

 private:
  /// The cheapest few of the lines around the present one, cheapest first.
  void collect(const group_factors& f, const float* values, const number_line& present) {
    wanted_.clear();
    const bool moves = storable(present, 1, 1) || storable(present, 1, -1);
    const int reach = moves ? 10 : 15;
    const double step = moves ? 0.03 : 0.02;
    for (int shift = moves ? -1 : 0; shift <= (moves ? 1 : 0); ++shift)
      for (int i = -reach; i <= reach; ++i) storable(present, 1 + step * i, shift);
    for (std::size_t begin = 0; begin < wanted_.size(); begin += nearest_plane_decoder::most) {
      const auto lines = std::span(wanted_).subspan(
          begin, std::min<std::size_t>(nearest_plane_decoder::most, wanted_.size() - begin));
      decoder_.decode(f, values, lines);
      for (index_t lane = 0; lane < static_cast<index_t>(lines.size()); ++lane)
        keep(f, lines[static_cast<std::size_t>(lane)], lane);
    }
  }
  /// Adds the storable line with this much more scale and zero point; returns whether there is one.
  bool storable(number_line line, double factor, int shift) {
    const float zero_point = line.zero_point + static_cast<float>(shift);
    line.scale = static_cast<float>(static_cast<double>(line.scale) * factor);
    line.zero_point = zero_point;
    line = target_.storable(row_, line_, line);
    if (line.zero_point != zero_point || !levels_.usable(line)) return false;
    if (std::find(wanted_.begin(), wanted_.end(), line) == wanted_.end()) wanted_.push_back(line);
    return true;
  }
  /// Keeps what a lane found where it is among the cheapest.
  void keep(const group_factors& f, const number_line& line, index_t lane) {
    const double cost = decoder_.cost(lane);
    if (candidates_.size() == kept && cost >= candidates_.back().cost) return;
    if (candidates_.size() == kept) candidates_.pop_back();
    const auto at = std::upper_bound(candidates_.begin(), candidates_.end(), cost,
                                     [](double c, const group_choice& x) { return c < x.cost; });
    take(f, lane, *candidates_.insert(at, {line, {}, cost}));
  }
  void take(const group_factors& f, index_t lane, group_choice& x) const {
    x.choice.resize(static_cast<std::size_t>(f.width));
    for (index_t i = 0; i < f.width; ++i) x.choice[static_cast<std::size_t>(i)] = decoder_.choice(lane, i);
  }

  /// Gives every candidate the scale that is best for its choices (least squares in closed form), and decodes
  /// it anew where that is better still. Leaves the cheapest first.
  void polish(const group_factors& f, const float* values) {
    wanted_.clear();
    for (const group_choice& x : candidates_) wanted_.push_back(x.line);
    const auto fits = decoder_.fit_scales(f, values, wanted_, [&](index_t lane, index_t i) {
      return candidates_[static_cast<std::size_t>(lane)].choice[static_cast<std::size_t>(i)];
    });
    for (std::size_t k = 0; k < candidates_.size(); ++k) wanted_[k] = best_scale(wanted_[k], fits[k]);
    decoder_.decode(f, values, wanted_);
    for (std::size_t k = 0; k < candidates_.size(); ++k) {
      group_choice& x = candidates_[k];
      const double by = static_cast<double>(wanted_[k].scale) - static_cast<double>(x.line.scale);
      const double held = fits[k].cost - by * (2 * fits[k].slope - by * fits[k].curvature);
      const double decoded = decoder_.cost(static_cast<index_t>(k));
      if (std::min(held, decoded) >= x.cost) continue;
      x.line = wanted_[k];
      x.cost = std::min(held, decoded);
      if (decoded < held) take(f, static_cast<index_t>(k), x);
    }
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const group_choice& a, const group_choice& b) { return a.cost < b.cost; });
  }
  number_line best_scale(number_line line, const scale_fit& fit) const {
    const double wanted = static_cast<double>(line.scale) + fit.slope / fit.curvature;
    if (!(fit.curvature > 0) || !(line.scale > 0) || !(wanted > 0)) return line;
    number_line found = line;
    found.scale = static_cast<float>(wanted);
    found = target_.storable(row_, line_, found);
    return levels_.usable(found) ? found : line;
  }

  static constexpr std::size_t kept = 4;  ///< candidates that are decoded with several beginnings kept

  const feedback_target& target_;
  const level_lanes& levels_;
  nearest_plane_decoder decoder_;
  k_best_decoder paths_;
  index_t row_ = 0, line_ = 0;
  std::vector<number_line> wanted_;
  std::vector<group_choice> candidates_;
  std::vector<std::uint8_t> choice_;
};

}  // namespace bitgauge::detail
