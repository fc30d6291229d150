#pragma once

/// \file
/// The best codes for the columns of one line of one row, all other columns held fast: a closest vector
/// problem of modest size.

#include <bitgauge/rounding/error_feedback.hpp>
#include <bitgauge/rounding/feedback_target.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace bitgauge::detail {

/// The columns of a line and their part of the damped Hessian, G = P^T R R^T P with P an order of falling
/// diagonal.
struct line_system {
  index begin = 0;
  std::vector<index> order;  ///< order[i]: the column, counted from begin, that is decided i-th
  row_major_matrix upper;    ///< R; empty where G cannot be factored

  line_system(const Eigen::MatrixXd& h, const Eigen::VectorXd& added, index first, index width)
      : begin(first) {
    Eigen::MatrixXd g = h.block(first, first, width, width);
    g.diagonal() += added.segment(first, width);
    order = falling_diagonal(g);
    Eigen::MatrixXd reversed(width, width);
    for (index c = 0; c < width; ++c)
      for (index r = 0; r < width; ++r)
        reversed(r, c) =
            g(order[static_cast<std::size_t>(width - 1 - r)], order[static_cast<std::size_t>(width - 1 - c)]);
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> lower(reversed);
    if (lower.info() != Eigen::Success) return;
    upper = row_major_matrix::Zero(width, width);
    for (index r = 0; r < width; ++r)
      for (index c = r; c < width; ++c) upper(r, c) = reversed(width - 1 - r, width - 1 - c);
  }

  index width() const { return static_cast<index>(order.size()); }
  bool usable() const { return upper.size() > 0; }
};

/// Codes for a line, in the order of its system.
struct line_choice {
  number_line line;
  std::vector<std::uint8_t> choice;
  double cost = std::numeric_limits<double>::infinity();  ///< damped squared error of the line's columns
};

/// Searches min over codes z and lines of (t - real(z)) G (t - real(z))^T, t the values that would be best
/// were there no grid.
class line_search {
 public:
  explicit line_search(const feedback_target& target) : target_(target), levels_(target.levels()) {}

  /// Decides one column after the other, keeping the `survivors` cheapest beginnings (K-best decoding of the
  /// triangular system: Guo and Nilsson, IEEE JSAC 24, 2006; of one survivor: Babai's nearest plane, which is
  /// GPTQ). `values` is t in the system's order. Gives up, at infinite cost, once no beginning is below
  /// `bound`. Cost: survivors * width^2 / 2.
  line_choice decode(const line_system& s, const Eigen::VectorXd& values, const number_line& line,
                     int survivors, double bound = std::numeric_limits<double>::infinity()) {
    const index width = s.width();
    beginnings_.resize(1);
    beginnings_[0] = {Eigen::VectorXd::Zero(width),
                      std::vector<std::uint8_t>(static_cast<std::size_t>(width)), 0};
    for (index i = 0; i < width; ++i) {
      extend(s, values, line, i, survivors);
      const auto kept = std::min(steps_.size(), static_cast<std::size_t>(survivors));
      std::partial_sort(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(kept), steps_.end(),
                        [](const step& a, const step& b) { return a.cost < b.cost; });
      if (steps_.front().cost >= bound) return {line, {}};
      take(s, i, kept);
    }
    return {line, std::move(beginnings_.front().choice), beginnings_.front().cost};
  }

  double real(const number_line& line, std::uint8_t choice) const {
    return static_cast<double>(line.real(levels_[choice].value));
  }

 private:
  /// The first columns decided: what they add to the columns to come, D_P R_P.
  struct beginning {
    Eigen::VectorXd fed;
    std::vector<std::uint8_t> choice;
    double cost;
  };
  struct step {
    std::size_t from;
    std::uint8_t choice;
    double difference, cost;
  };

  /// All ways to decide column i: the nearest level and, if there may be several survivors, its neighbours.
  void extend(const line_system& s, const Eigen::VectorXd& values, const number_line& line, index i,
              int survivors) {
    const double pivot = s.upper(i, i);
    const int reach = survivors > 1 ? 1 : 0, last = static_cast<int>(levels_.size()) - 1;
    steps_.clear();
    for (std::size_t b = 0; b < beginnings_.size(); ++b) {
      const double current = values(i) + beginnings_[b].fed(i) / pivot;
      const int nearest = target_.nearest(line.units(static_cast<float>(current)), line);
      for (int z = std::max(0, nearest - reach); z <= std::min(last, nearest + reach); ++z) {
        const auto choice = static_cast<std::uint8_t>(z);
        const double number = real(line, choice), error = (current - number) * pivot;
        steps_.push_back({b, choice, values(i) - number, beginnings_[b].cost + error * error});
      }
    }
  }

  void take(const line_system& s, index i, std::size_t kept) {
    const index rest = s.width() - i - 1;
    if (kept == 1 && beginnings_.size() == 1) {
      apply(beginnings_.front(), steps_.front(), s, i, rest);
      return;
    }
    next_.resize(kept);
    for (std::size_t k = 0; k < kept; ++k) {
      next_[k] = beginnings_[steps_[k].from];
      apply(next_[k], steps_[k], s, i, rest);
    }
    beginnings_.swap(next_);
  }
  static void apply(beginning& b, const step& taken, const line_system& s, index i, index rest) {
    b.choice[static_cast<std::size_t>(i)] = taken.choice;
    b.cost = taken.cost;
    b.fed.tail(rest) += taken.difference * s.upper.row(i).tail(rest).transpose();
  }

  const feedback_target& target_;
  std::span<const feedback_target::level> levels_;
  std::vector<beginning> beginnings_, next_;
  std::vector<step> steps_;
};

}  // namespace bitgauge::detail
