#pragma once

/// \file
/// The best codes, scale and zero point for the columns of one group of one row, all other columns held fast:
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
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// A map and choices for the columns of a group, in the order of its system.
struct group_choice {
  affine_map map;
  std::vector<std::uint8_t> choice;
  double cost = std::numeric_limits<double>::infinity();  ///< damped squared error of the group's columns
};

/// Searches min over choices z and maps of (t - real(z)) G (t - real(z))^T, t the values that would be best
/// were there no grid. Scales around the present one, with each neighbouring zero point, are decoded by
/// Babai's nearest plane, the cheapest few then with several beginnings kept, and given the scale that is
/// best for their choices. All in floats and sums of double that no compiler can change; the caller measures
/// what is found.
class closest_vector_search {
 public:
  closest_vector_search(const feedback_target& target, const level_lanes& levels)
      : target_(target), levels_(levels), decoder_(levels), paths_(levels) {}

  /// The best that is found for group g of a row, whose map is `present`; null where nothing is. Until the
  /// next call.
  const group_choice* run(index_t row, index_t g, const group_factors& f, const float* values,
                          const affine_map& present) {
    row_ = row;
    group_ = g;
    candidates_.clear();
    if (target_.adjustable()) {
      collect(f, values, present);
    } else if (levels_.usable(present)) {
      candidates_.push_back({present, std::vector<std::uint8_t>(static_cast<std::size_t>(f.width))});
    }
    for (group_choice& candidate : candidates_) {
      choice_.resize(static_cast<std::size_t>(f.width));
      const double cost = paths_.decode(f, values, candidate.map, choice_.data());
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
  /// The cheapest few of the maps around the present one, cheapest first.
  void collect(const group_factors& f, const float* values, const affine_map& present) {
    wanted_.clear();
    const bool moves = storable(present, 1, 1) || storable(present, 1, -1);
    const int reach = moves ? 10 : 15;
    const double step = moves ? 0.03 : 0.02;
    for (int shift = moves ? -1 : 0; shift <= (moves ? 1 : 0); ++shift)
      for (int i = -reach; i <= reach; ++i) storable(present, 1 + step * i, shift);
    for (std::size_t begin = 0; begin < wanted_.size(); begin += nearest_plane_decoder::most) {
      const auto maps = std::span(wanted_).subspan(
          begin, std::min<std::size_t>(nearest_plane_decoder::most, wanted_.size() - begin));
      decoder_.decode(f, values, maps);
      for (index_t lane = 0; lane < static_cast<index_t>(maps.size()); ++lane)
        keep(f, maps[static_cast<std::size_t>(lane)], lane);
    }
  }
  /// Adds the storable map with this much more scale and zero point; returns whether there is one.
  bool storable(affine_map map, double factor, int shift) {
    const float zero_point = map.zero_point + static_cast<float>(shift);
    map.scale = static_cast<float>(static_cast<double>(map.scale) * factor);
    map.zero_point = zero_point;
    map = target_.storable(row_, group_, map);
    if (map.zero_point != zero_point || !levels_.usable(map)) return false;
    if (std::find(wanted_.begin(), wanted_.end(), map) == wanted_.end()) wanted_.push_back(map);
    return true;
  }
  /// Keeps what a lane found where it is among the cheapest.
  void keep(const group_factors& f, const affine_map& map, index_t lane) {
    const double cost = decoder_.cost(lane);
    if (candidates_.size() == kept && cost >= candidates_.back().cost) return;
    if (candidates_.size() == kept) candidates_.pop_back();
    const auto at = std::upper_bound(candidates_.begin(), candidates_.end(), cost,
                                     [](double c, const group_choice& x) { return c < x.cost; });
    take(f, lane, *candidates_.insert(at, {map, {}, cost}));
  }
  void take(const group_factors& f, index_t lane, group_choice& x) const {
    x.choice.resize(static_cast<std::size_t>(f.width));
    for (index_t i = 0; i < f.width; ++i) x.choice[static_cast<std::size_t>(i)] = decoder_.choice(lane, i);
  }

  /// Gives every candidate the scale that is best for its choices (least squares in closed form), and decodes
  /// it anew where that is better still. Leaves the cheapest first.
  void polish(const group_factors& f, const float* values) {
    wanted_.clear();
    for (const group_choice& x : candidates_) wanted_.push_back(x.map);
    const auto fits = decoder_.fit_scales(f, values, wanted_, [&](index_t lane, index_t i) {
      return candidates_[static_cast<std::size_t>(lane)].choice[static_cast<std::size_t>(i)];
    });
    for (std::size_t k = 0; k < candidates_.size(); ++k) wanted_[k] = best_scale(wanted_[k], fits[k]);
    decoder_.decode(f, values, wanted_);
    for (std::size_t k = 0; k < candidates_.size(); ++k) {
      group_choice& x = candidates_[k];
      const double by = static_cast<double>(wanted_[k].scale) - static_cast<double>(x.map.scale);
      const double held = fits[k].cost - by * (2 * fits[k].slope - by * fits[k].curvature);
      const double decoded = decoder_.cost(static_cast<index_t>(k));
      if (std::min(held, decoded) >= x.cost) continue;
      x.map = wanted_[k];
      x.cost = std::min(held, decoded);
      if (decoded < held) take(f, static_cast<index_t>(k), x);
    }
    for (std::size_t k = 1; k < candidates_.size(); ++k)
      for (std::size_t at = k; at > 0 && candidates_[at].cost < candidates_[at - 1].cost; --at)
        std::swap(candidates_[at], candidates_[at - 1]);
  }
  affine_map best_scale(affine_map map, const scale_fit& fit) const {
    const double wanted = static_cast<double>(map.scale) + fit.slope / fit.curvature;
    if (!(fit.curvature > 0) || !(map.scale > 0) || !(wanted > 0)) return map;
    affine_map found = map;
    found.scale = static_cast<float>(wanted);
    found = target_.storable(row_, group_, found);
    return levels_.usable(found) ? found : map;
  }

  static constexpr std::size_t kept = 4;  ///< candidates that are decoded with several beginnings kept

  const feedback_target& target_;
  const level_lanes& levels_;
  nearest_plane_decoder decoder_;
  k_best_decoder paths_;
  index_t row_ = 0, group_ = 0;
  std::vector<affine_map> wanted_;
  std::vector<group_choice> candidates_;
  std::vector<std::uint8_t> choice_;
};

}  // namespace bitgauge::detail
