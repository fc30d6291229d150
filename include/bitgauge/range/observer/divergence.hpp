#pragma once

/// \file
/// The Kullback-Leibler divergence between a histogram and what is left of it after quantizing.

#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// More than any divergence that is one; not infinity, which -ffast-math would make of no use.
inline constexpr double no_divergence = std::numeric_limits<double>::max();

/// sum p log(p / q) with both made to sum to 1. no_divergence where q is 0 and p is not, and where one of
/// them is all 0.
inline double divergence(std::span<const double> p, std::span<const double> q) {
  double p_sum = 0, q_sum = 0;
  for (const double v : p) p_sum += v;
  for (const double v : q) q_sum += v;
  if (!(p_sum > 0) || !(q_sum > 0)) return no_divergence;
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!(p[i] > 0)) continue;
    if (!(q[i] > 0)) return no_divergence;
    sum += p[i] / p_sum * std::log((p[i] / p_sum) / (q[i] / q_sum));
  }
  return sum;
}

/// What is known of `counts` once only the sum over each group of neighbouring bins is: the sum, spread
/// evenly over the bins that hold anything. `group_of(i)` does not fall as i grows.
template <class GroupOf>
void merge_and_spread(std::span<const double> counts, const GroupOf& group_of, std::vector<double>& spread) {
  spread.assign(counts.size(), 0);
  for (std::size_t begin = 0; begin < counts.size();) {
    std::size_t end = begin;
    double sum = 0, occupied = 0;
    for (const auto group = group_of(begin); end < counts.size() && group_of(end) == group; ++end) {
      sum += counts[end];
      occupied += counts[end] > 0 ? 1 : 0;
    }
    for (std::size_t i = begin; i < end; ++i)
      if (counts[i] > 0) spread[i] = sum / occupied;
    begin = end;
  }
}

}  // namespace bitgauge::detail
