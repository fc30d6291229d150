#pragma once

/// \file
/// PRILoRA: adapters whose rank grows with the depth of their layer, and whose A is pruned while it learns.

#include <bitgauge/error.hpp>
#include <bitgauge/training/numbers.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

namespace bitgauge {

/// The ranks of `layers` adapters, growing linearly from r_s = `first` to r_f = `last`: that of layer l = 1 .. L is
/// r_s + (r_f - r_s)(l - 1) / (L - 1), rounded so that all together have the L (r_s + r_f) / 2, rounded up, of adapters
/// of one rank: down, and of the largest fractions up, the later layer first (Benedek and Wolf, PRILoRA, 2024, arXiv
/// 2401.11316; the defaults of 4 and 12 are from secondary sources). One layer has the mean.
///
///     const std::vector<index_t> ranks = prilora_ranks(12);   // 96 in all: what twelve adapters of rank 8 have
///
/// Throws invalid_scheme for less than one layer, and for a rank below 1.
inline std::vector<index_t> prilora_ranks(index_t layers, index_t first = 4, index_t last = 12) {
  if (layers < 1 || first < 1 || last < 1)
    detail::raise_message<invalid_scheme>({"prilora: expected at least one layer and ranks from 1 up, found ",
                                           layers, " of ", first, " to ", last});
  const index_t budget = (layers * (first + last) + 1) / 2;
  if (layers == 1) return {budget};
  std::vector<index_t> ranks, fractions, order;
  index_t left = budget;
  for (index_t l = 0; l < layers; ++l) {
    const index_t numerator = first * (layers - 1 - l) + last * l;  // over layers - 1
    ranks.push_back(numerator / (layers - 1));
    fractions.push_back(numerator % (layers - 1));
    order.push_back(l);
    left -= ranks.back();
  }
  const auto fraction = [&](index_t l) { return fractions[detail::as_size(l)]; };
  std::sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    return fraction(a) != fraction(b) ? fraction(a) > fraction(b) : a > b;
  });
  for (index_t i = 0; i < left; ++i) ++ranks[detail::as_size(order[detail::as_size(i)])];
  return ranks;
}

/// Prunes the A of an adapter while it learns: the least important half of each row becomes zero every 40 steps, and
/// may grow back (arXiv 2401.11316). The importance of A_ij is |A_ij| times the moving average of ||X_j||, the norm of
/// input j over the samples of a batch: average += (1 - decay)(norm - average), from the first batch on. The constants
/// are from secondary sources.
///
///     prilora_pruning pruning;
///     for (...) {
///       pruning.observe(X);           // what the adapter's forward() gets
///       ...                           // a step of your optimiser
///       pruning.step(l.A);
///     }
///
/// Cost: one pass over X a batch, and a partial sort of A every time it is pruned.
struct prilora_pruning {
  double decay = 0.9;       ///< of the average of norms
  double share = 0.5;       ///< of each row of A that is pruned, to the nearest whole number
  index_t every = 40;       ///< steps
  index_t steps = 0;        ///< so far
  Eigen::VectorXd norms{};  ///< the averages: one an input, none before the first batch

  /// Takes a batch, samples x in. Throws shape_error for another number of inputs than before, data_error for what is
  /// not finite.
  template <class X>
  void observe(const Eigen::DenseBase<X>& x) {
    check();
    detail::with_numbers<detail::scalar_of<X>>(x, [&](const auto& v) {
      if (norms.size() > 0 && v.cols != norms.size())
        detail::raise_message<shape_error>({"prilora: expected ", norms.size(), " inputs, found ", v.cols});
      detail::require_numbers("prilora", "inputs", v);
      const bool is_first = norms.size() == 0;
      if (is_first) norms.resize(v.cols);
      for (index_t c = 0; c < v.cols; ++c) {
        double sum = 0;
        for (index_t r = 0; r < v.rows; ++r)
          sum += static_cast<double>(v(r, c)) * static_cast<double>(v(r, c));
        norms(c) = is_first ? std::sqrt(sum) : norms(c) + (1 - decay) * (std::sqrt(sum) - norms(c));
      }
    });
  }

  /// |A_ij| times the average of ||X_j||. Throws shape_error for another number of inputs.
  template <class Matrix>
  Eigen::MatrixXd importance(const Eigen::DenseBase<Matrix>& a) const {
    if (a.cols() != norms.size())
      detail::raise_message<shape_error>(
          {"prilora: A: expected ", norms.size(), " columns, one an input observed, found ", a.cols()});
    Eigen::MatrixXd all(a.rows(), a.cols());
    detail::with_numbers<detail::scalar_of<Matrix>>(a, [&](const auto& v) {
      for (index_t c = 0; c < v.cols; ++c)
        for (index_t r = 0; r < v.rows; ++r) all(r, c) = std::fabs(static_cast<double>(v(r, c))) * norms(c);
    });
    return all;
  }

  /// Counts a step, and prunes at every 40th. True where it did. Of equal importance the earlier column is pruned. Throws
  /// shape_error for another number of inputs, data_error for an A that is not finite.
  template <class Matrix>
  bool step(Eigen::PlainObjectBase<Matrix>& a) {
    check();
    const Eigen::MatrixXd all = importance(a);
    detail::with_numbers<detail::scalar_of<Matrix>>(
        a, [](const auto& v) { detail::require_numbers("prilora", "A", v); });
    if (++steps % every != 0) return false;
    const auto pruned = static_cast<index_t>(std::lround(share * static_cast<double>(a.cols())));
    std::vector<index_t> order(detail::as_size(a.cols()));
    for (index_t r = 0; r < a.rows(); ++r) {
      std::iota(order.begin(), order.end(), index_t{0});
      std::nth_element(order.begin(), order.begin() + pruned, order.end(), [&](index_t x, index_t y) {
        return all(r, x) != all(r, y) ? all(r, x) < all(r, y) : x < y;
      });
      for (index_t i = 0; i < pruned; ++i) a(r, order[detail::as_size(i)]) = 0;
    }
    return true;
  }

 private:
  void check() const {
    if (!(decay >= 0 && decay < 1) || !(share >= 0 && share <= 1) || every < 1)
      detail::raise_message<invalid_scheme>(
          {"prilora: expected a decay from 0 to below 1, a share from 0 to 1 and at least 1 step, found ",
           decay, ", ", share, " and ", every});
  }
};

}  // namespace bitgauge
