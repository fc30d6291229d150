#pragma once

/// \file
/// The best codes for the columns of one line of one row, all other columns held fast: a closest vector
/// problem of modest size.

#include <bitgauge/rounding/error_feedback.hpp>
#include <bitgauge/rounding/feedback_target.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// The columns of a line and their part of the damped Hessian, G = P^T R R^T P with P an order of falling
/// diagonal.
template <class Scalar>
struct line_system {
  index begin = 0;
  std::vector<index> order;        ///< order[i]: the column, counted from begin, that is decided i-th
  row_major_matrix<Scalar> upper;  ///< R; empty where G cannot be factored

  line_system(const Eigen::MatrixXd& h, const Eigen::VectorXd& added, index first, index width)
      : begin(first) {
    dense_matrix<Scalar> g = h.block(first, first, width, width).template cast<Scalar>();
    g.diagonal() += added.segment(first, width).template cast<Scalar>();
    order = falling_diagonal(g);
    dense_matrix<Scalar> reversed(width, width);
    for (index c = 0; c < width; ++c)
      for (index r = 0; r < width; ++r)
        reversed(r, c) =
            g(order[static_cast<std::size_t>(width - 1 - r)], order[static_cast<std::size_t>(width - 1 - c)]);
    const Eigen::LLT<Eigen::Ref<dense_matrix<Scalar>>> lower(reversed);
    if (lower.info() != Eigen::Success) return;
    upper = row_major_matrix<Scalar>::Zero(width, width);
    for (index r = 0; r < width; ++r)
      for (index c = r; c < width; ++c) upper(r, c) = reversed(width - 1 - r, width - 1 - c);
  }

  index width() const { return static_cast<index>(order.size()); }
  bool usable() const { return upper.size() > 0; }
};

/// Codes for a line, in the order of its system.
template <class Scalar>
struct line_choice {
  number_line line;
  std::vector<std::uint8_t> choice;
  Scalar cost = std::numeric_limits<Scalar>::infinity();  ///< damped squared error of the line's columns
};

/// Searches min over codes z and lines of (t - real(z)) G (t - real(z))^T, t the values that would be best
/// were there no grid.
template <class Scalar>
class line_search {
 public:
  explicit line_search(std::span<const feedback_target::level> levels) : levels_(levels) {
    const float spacing = levels.size() > 1 ? levels[1].value - levels[0].value : 1;
    for (std::size_t i = 1; i < levels.size(); ++i)
      if (levels[i].value - levels[i - 1].value != spacing) return;
    per_level_ = 1 / static_cast<Scalar>(spacing);
  }

  Scalar real(const number_line& line, std::uint8_t choice) const {
    return static_cast<Scalar>(line.real(levels_[choice].value));
  }

  /// The index of the level nearest to `value`. Which of two that are equally near does not matter here.
  int nearest(Scalar value, const number_line& line) const {
    return nearest_level((value + static_cast<Scalar>(line.minimum)) / static_cast<Scalar>(line.scale) +
                         static_cast<Scalar>(line.zero_point));
  }

  /// Decides one column after the other, each to the nearest level (Babai's nearest plane, which is GPTQ).
  /// `values` is t in the system's order. Gives up, at infinite cost, once the cost reaches `bound`. Cost:
  /// width^2 / 2.
  line_choice<Scalar> decode(const line_system<Scalar>& s, const Eigen::VectorX<Scalar>& values,
                             const number_line& line,
                             Scalar bound = std::numeric_limits<Scalar>::infinity()) {
    const index width = s.width();
    if (width < 1) return {line, {}, 0};  // also tells the optimiser that the sizes below are not negative
    fed_.setZero(1, width);
    line_choice<Scalar> found{line, std::vector<std::uint8_t>(static_cast<std::size_t>(width)), 0};
    for (index i = 0; i < width; ++i) {
      const Scalar pivot = s.upper(i, i), current = values(i) + fed_(0, i) / pivot;
      const auto choice = static_cast<std::uint8_t>(nearest(current, line));
      const Scalar number = real(line, choice), error = (current - number) * pivot;
      found.choice[static_cast<std::size_t>(i)] = choice;
      found.cost += error * error;
      if (found.cost >= bound) return {line, {}};
      const index rest = width - i - 1;
      fed_.row(0).tail(rest) += (values(i) - number) * s.upper.row(i).tail(rest);
    }
    return found;
  }

  /// The same with the nearest level and both its neighbours tried for every column and the eight cheapest
  /// beginnings kept (K-best decoding: Guo and Nilsson, IEEE JSAC 24, 2006). Eight times the cost.
  line_choice<Scalar> decode_widely(const line_system<Scalar>& s, const Eigen::VectorX<Scalar>& values,
                                    const number_line& line) {
    const index width = s.width();
    fed_.setZero(survivors, width);
    next_fed_.resize(survivors, width);
    history_.resize(static_cast<std::size_t>(width));
    std::array<Scalar, survivors> costs{};
    int kept = 1;
    for (index i = 0; i < width; ++i) {
      const int count = extend(values(i), s.upper(i, i), i, line, costs, kept);
      kept = std::min(count, survivors);
      std::partial_sort(steps_.begin(), steps_.begin() + kept, steps_.begin() + count,
                        [](const step& a, const step& b) { return a.cost < b.cost; });
      const index rest = width - i - 1;
      for (int k = 0; k < kept; ++k) {
        const step& taken = steps_[static_cast<std::size_t>(k)];
        costs[static_cast<std::size_t>(k)] = taken.cost;
        history_[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)] = taken;
        next_fed_.row(k).tail(rest) =
            fed_.row(taken.from).tail(rest) + taken.difference * s.upper.row(i).tail(rest);
      }
      fed_.swap(next_fed_);
    }
    line_choice<Scalar> found{line, std::vector<std::uint8_t>(static_cast<std::size_t>(width)), costs[0]};
    for (std::size_t i = found.choice.size(), k = 0; i-- > 0;) {
      found.choice[i] = history_[i][k].choice;
      k = static_cast<std::size_t>(history_[i][k].from);
    }
    return found;
  }

 private:
  static constexpr int survivors = 8;
  /// One way to decide a column, after the beginning numbered `from`.
  struct step {
    int from;
    std::uint8_t choice;
    Scalar difference, cost;
  };

  int nearest_level(Scalar units) const {
    const auto last = static_cast<int>(levels_.size()) - 1;
    if (per_level_ > 0) {
      const Scalar steps = (units - static_cast<Scalar>(levels_[0].value)) * per_level_;
      return static_cast<int>(std::clamp(steps, Scalar(0), static_cast<Scalar>(last)) + Scalar(0.5));
    }
    const auto above = std::lower_bound(
        levels_.begin(), levels_.end(), units,
        [](const feedback_target::level& l, Scalar u) { return static_cast<Scalar>(l.value) < u; });
    const auto i = static_cast<int>(above - levels_.begin());
    if (i == 0 || i > last) return std::min(i, last);
    const Scalar below = static_cast<Scalar>(levels_[static_cast<std::size_t>(i - 1)].value);
    return static_cast<Scalar>(above->value) - units < units - below ? i : i - 1;
  }

  /// Fills steps_ with all ways to decide column i; returns how many.
  int extend(Scalar value, Scalar pivot, index i, const number_line& line,
             const std::array<Scalar, survivors>& costs, int kept) {
    const auto last = static_cast<int>(levels_.size()) - 1;
    std::size_t count = 0;
    for (int b = 0; b < kept; ++b) {
      const Scalar current = value + fed_(b, i) / pivot;
      const int nearest = this->nearest(current, line);
      for (int z = std::max(0, nearest - 1); z <= std::min(last, nearest + 1); ++z) {
        const auto choice = static_cast<std::uint8_t>(z);
        const Scalar number = real(line, choice), error = (current - number) * pivot;
        steps_[count++] = {b, choice, value - number, costs[static_cast<std::size_t>(b)] + error * error};
      }
    }
    return static_cast<int>(count);
  }

  std::span<const feedback_target::level> levels_;
  Scalar per_level_ = 0;  ///< levels in one unit, where they are evenly spaced
  row_major_matrix<Scalar> fed_,
      next_fed_;  ///< a row for each beginning: what it adds to the columns to come, D_P R_P
  std::array<step, 3 * survivors> steps_;
  std::vector<std::array<step, survivors>> history_;
};

}  // namespace bitgauge::detail
