#pragma once

/// \file
/// Which format each tensor gets so that all together cost least within a number of bytes: the exact optimum, and
/// the bound that proves how near any choice is.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace bitgauge {

/// One of the things that a tensor can become: what it takes, and what it costs in whatever unit costs are summed.
struct budget_option {
  std::uint64_t bytes = 0;
  double cost = 0;
};

/// One option for each tensor.
struct budget_allocation {
  std::vector<std::size_t> chosen;  ///< of each tensor, the place of its option
  std::uint64_t bytes = 0;
  double cost = 0;
  double bound = 0;        ///< no choice within the limit costs less: the dual value of the Lagrangian
  double multiplier = 0;   ///< the cost that one byte more would save, at that bound
  std::size_t states = 0;  ///< partial choices that were kept to prove it
};

namespace detail {

/// The work of allocate(), over options none of which is worse than another in both bytes and cost.
class budget_search {
 public:
  using tensor_options = std::vector<budget_option>;

  budget_search(std::span<const tensor_options> tensors, std::uint64_t limit)
      : tensors_(tensors), limit_(limit) {
    std::uint64_t least = 0;
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      fronts_.push_back(front_of(t));
      least += tensors_[t][fronts_[t].front()].bytes;
    }
    if (least > limit)
      raise_message<data_error>(
          {"budget: expected at least ", least, " bytes, the least that these formats take, found ", limit});
    follow_multiplier();
  }

  /// What a multiplier alone finds: steps along the convex hulls, the best first, up to the first without room.
  budget_allocation by_multiplier() const {
    budget_allocation a{.chosen = hull_choice_};
    return sum(a), a;
  }

  budget_allocation exact(std::size_t most_states) {
    const std::vector<std::size_t> known = improved(hull_choice_);
    budget_allocation a{.chosen = known};
    sum(a);
    // what is this far above the bound cannot be better than what is known, whatever sums are rounded to
    slack_ = a.cost - bound_ +
             1e-11 * (std::fabs(a.cost) + std::fabs(bound_) + multiplier_ * static_cast<double>(limit_));
    drop_hopeless();
    search(a, most_states);
    return sum(a), a;
  }

 private:
  /// A choice for the tensors from some one on. Of two with the same bytes and cost the first is kept.
  struct state {
    std::uint64_t bytes;
    double cost, reduced;  ///< cost, and how far its Lagrangian is above the least of these tensors
    std::uint32_t previous, option;
  };
  struct link {
    std::uint32_t previous, option;
  };
  /// A step along a tensor's convex hull: to the option `to`, saving `rate` a byte.
  struct step {
    double rate;
    std::size_t tensor, to;
    std::uint64_t bytes;
  };

  const budget_option& at(std::size_t tensor, std::size_t option) const { return tensors_[tensor][option]; }
  double lagrangian(std::size_t tensor, std::size_t option) const {
    return at(tensor, option).cost + multiplier_ * static_cast<double>(at(tensor, option).bytes);
  }
  void sum(budget_allocation& a) const {
    a.bytes = 0;
    a.cost = 0;
    for (std::size_t t = a.chosen.size(); t-- > 0;) {  // the order in which search() adds
      a.bytes += at(t, a.chosen[t]).bytes;
      a.cost += at(t, a.chosen[t]).cost;
    }
    a.bound = bound_;
    a.multiplier = multiplier_;
  }

  /// The options of a tensor that none other beats, by rising bytes and falling cost.
  std::vector<std::size_t> front_of(std::size_t t) const {
    const tensor_options& all = tensors_[t];
    if (all.empty())
      raise_message<data_error>({"budget: tensor ", t, ": expected at least 1 format, found none"});
    std::vector<std::size_t> order, front;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!numeric::binary64::is_finite(all[i].cost))
        raise_message<data_error>(
            {"budget: tensor ", t, ", format ", i, ": expected a finite cost, found ", all[i].cost});
      order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(all[a].bytes, all[a].cost, a) < std::tie(all[b].bytes, all[b].cost, b);
    });
    for (const std::size_t i : order)
      if (front.empty() || all[i].cost < all[front.back()].cost) front.push_back(i);
    return front;
  }

  double rate(std::size_t t, std::size_t from, std::size_t to) const {
    return (at(t, from).cost - at(t, to).cost) / static_cast<double>(at(t, to).bytes - at(t, from).bytes);
  }
  /// The multiplier that the limit asks for, its bound, and the choice that it leads to.
  void follow_multiplier() {
    std::vector<step> steps;
    std::uint64_t bytes = 0;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      std::vector<std::size_t> hull;
      for (const std::size_t next : fronts_[t]) {
        while (hull.size() > 1 && rate(t, hull[hull.size() - 2], hull.back()) <= rate(t, hull.back(), next))
          hull.pop_back();
        hull.push_back(next);
      }
      for (std::size_t i = 1; i < hull.size(); ++i)
        steps.push_back(
            {rate(t, hull[i - 1], hull[i]), t, hull[i], at(t, hull[i]).bytes - at(t, hull[i - 1]).bytes});
      hull_choice_.push_back(hull.front());
      bytes += at(t, hull.front()).bytes;
    }
    std::stable_sort(steps.begin(), steps.end(),
                     [](const step& a, const step& b) { return a.rate > b.rate; });
    for (const step& each : steps) {
      if (each.bytes > limit_ - bytes) {
        multiplier_ = each.rate;
        break;
      }
      bytes += each.bytes;
      hull_choice_[each.tensor] = each.to;
    }
    bound_ = -multiplier_ * static_cast<double>(limit_);
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      double least = std::numeric_limits<double>::infinity();
      for (const std::size_t i : fronts_[t]) least = std::min(least, lagrangian(t, i));
      least_.push_back(least);
      bound_ += least;
    }
  }

  /// A choice with what is left spent on whatever then saves most, until nothing fits.
  std::vector<std::size_t> improved(std::vector<std::size_t> chosen) const {
    std::uint64_t left = limit_;
    for (std::size_t t = 0; t < chosen.size(); ++t) left -= at(t, chosen[t]).bytes;
    for (;;) {
      double most = 0;
      std::size_t tensor = 0, option = 0;
      for (std::size_t t = 0; t < chosen.size(); ++t)
        for (const std::size_t i : fronts_[t]) {
          const double saved = at(t, chosen[t]).cost - at(t, i).cost;
          if (at(t, i).bytes > at(t, chosen[t]).bytes + left || saved <= most) continue;
          std::tie(most, tensor, option) = std::tuple(saved, t, i);
        }
      if (!(most > 0)) return chosen;
      left -= at(tensor, option).bytes - at(tensor, chosen[tensor]).bytes;
      chosen[tensor] = option;
    }
  }

  /// Leaves out options with which the bound is above what is known.
  void drop_hopeless() {
    for (std::size_t t = 0; t < tensors_.size(); ++t)
      std::erase_if(fronts_[t], [&](std::size_t i) { return lagrangian(t, i) - least_[t] > slack_; });
  }

  /// Partial choices from the last tensor to the first, those that are beaten or hopeless left out.
  void search(budget_allocation& result, std::size_t most_states) const {
    std::vector<std::uint64_t> before{0};  // the least that the tensors before each one take
    for (std::size_t t = 0; t < tensors_.size(); ++t)
      before.push_back(before.back() + at(t, fronts_[t].front()).bytes);
    std::vector<std::vector<link>> links(tensors_.size());
    std::vector<state> now{{0, 0, 0, 0, 0}}, next;
    for (std::size_t t = tensors_.size(); t-- > 0;) {
      next.clear();
      for (const std::size_t i : fronts_[t]) {
        const auto middle = static_cast<std::ptrdiff_t>(next.size());
        for (std::size_t s = 0; s < now.size(); ++s) {
          const state sum{now[s].bytes + at(t, i).bytes, now[s].cost + at(t, i).cost,
                          now[s].reduced + (lagrangian(t, i) - least_[t]), static_cast<std::uint32_t>(s),
                          static_cast<std::uint32_t>(i)};
          if (sum.bytes > limit_ - before[t]) break;  // and all that follow: they rise
          if (sum.reduced <= slack_) next.push_back(sum);
        }
        std::inplace_merge(next.begin(), next.begin() + middle, next.end(),
                           [](const state& a, const state& b) {
                             return std::tie(a.bytes, a.cost, a.option) < std::tie(b.bytes, b.cost, b.option);
                           });
      }
      now.clear();
      for (const state& each : next)
        if (now.empty() || each.cost < now.back().cost) now.push_back(each);
      result.states += now.size();
      if (result.states > most_states)
        raise_message<data_error>({"budget: expected at most ", most_states,
                                   " partial choices, found more at tensor ", t, " of ", tensors_.size(),
                                   ": sizes in larger units would have fewer"});
      for (const state& each : now) links[t].push_back({each.previous, each.option});
    }
    std::size_t s = now.size() - 1;  // the most bytes and the least cost
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      result.chosen[t] = links[t][s].option;
      s = links[t][s].previous;
    }
  }

  std::span<const tensor_options> tensors_;
  std::uint64_t limit_;
  std::vector<std::vector<std::size_t>> fronts_;  // of each tensor, the options that count
  std::vector<std::size_t> hull_choice_;
  std::vector<double> least_;  // of each tensor, the least Lagrangian
  double multiplier_ = 0, bound_ = 0, slack_ = 0;
};

}  // namespace detail

/// The choice of one option for each tensor whose costs add up to least while its bytes add up to `limit` at most.
/// It is exact, inside of the convex hull too; of equal costs the fewest bytes count, then the first options of the
/// first tensors.
///
///     const std::vector<std::vector<budget_option>> tensors{{{84, 9.0}, {144, 1.0}}, {{84, 5.0}, {144, 0.5}}};
///     const budget_allocation a = allocate(tensors, 230);   // chosen {1, 0}, cost 6, bound 5.85
///
/// Beside it stands the bound of the Lagrangian (Everett 1963): for every multiplier m >= 0,
/// sum over tensors of min(cost + m * bytes) - m * limit is no more than the cost of any choice within the limit. The
/// best m is the slope of the convex hulls at the limit. The search is dynamic programming over partial choices
/// (Nemhauser and Ullmann 1969, for one option of each class): those with more bytes and no less cost than another
/// are left out, and those whose bound is above the cost of a choice that is known.
///
/// Cost: at most S = limit / g + 1 partial choices a tensor, g the greatest common divisor of the options' bytes, and
/// fewer by far where the bound is near; time tensors * options * S, memory 8 bytes for each of tensors * S. 300
/// tensors of 10 formats take some milliseconds to a second. Raises data_error where nothing is within the limit
/// (it says the least that is possible), for a tensor without options or costs that are not finite, and where more
/// than `most_states` partial choices would be kept.
inline budget_allocation allocate(std::span<const std::vector<budget_option>> tensors, std::uint64_t limit,
                                  std::size_t most_states = std::size_t{1} << 26) {
  return detail::budget_search(tensors, limit).exact(most_states);
}

/// What a multiplier alone finds (Everett 1963): options on the convex hulls, taken by what a byte saves until one has
/// no room. Its cost is at least that of allocate(); errors are those.
inline budget_allocation allocate_by_multiplier(std::span<const std::vector<budget_option>> tensors,
                                                std::uint64_t limit) {
  return detail::budget_search(tensors, limit).by_multiplier();
}

}  // namespace bitgauge
