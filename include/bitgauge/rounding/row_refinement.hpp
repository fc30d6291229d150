#pragma once

/// \file
/// Making the codes and scales of one row better together.

#include <bitgauge/rounding/line_search.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitgauge::detail {

/// Lowers the damped output error d (H + A) d^T of one row, d = w - real, A diagonal, by steps of four kinds,
/// each taken only where it lowers the error, so that the error never rises:
/// - one code moves to the level that is best for it (coordinate descent: Behdin et al., QuantEase, arXiv
///   2309.01885; Nair and Suggala, CDQuant, arXiv 2406.17542);
/// - the scales of all lines are solved for at once, codes held (least squares in closed form), and rounded
/// to
///   what their storage holds;
/// - a line is decided anew together with its scale and zero point, all else held: candidates are decoded by
///   Babai's nearest plane, the most promising ones by K-best search, and polished by the first two steps.
/// The damping stays in the objective: without it the search would fit the noise of few samples.
template <class Scalar>
class row_refinement {
 public:
  row_refinement(const feedback_target& target, const dense_matrix<Scalar>& h,
                 const Eigen::VectorX<Scalar>& added, const std::vector<line_system<Scalar>>& systems)
      : target_(target),
        levels_(target.levels()),
        h_(h),
        added_(added),
        systems_(systems),
        search_(target.levels()) {}

  /// Refines the codes and lines of a row of weights, both in the order of the matrix; returns the damped
  /// error they end with.
  Scalar run(index row, const Eigen::VectorX<Scalar>& weights, std::uint8_t* choice, number_line* lines) {
    row_ = row;
    weights_ = &weights;
    choice_ = choice;
    lines_ = lines;
    difference_.resize(weights.size());
    restart();
    Scalar error = this->error();
    constexpr int most_passes = 12;
    for (int pass = 0; pass < most_passes && error > 0; ++pass) {
      descend();
      if (target_.adjustable()) refit_lines();
      for (std::size_t l = 0; l < systems_.size(); ++l) search_line(l);
      descend();
      restart();
      const Scalar before = error;
      error = this->error();
      if (error > before * (1 - 2e-3)) break;
    }
    return error;
  }

 private:
  Scalar error() const { return difference_.dot(slope_); }
  Scalar curvature(index c) const { return h_(c, c) + added_(c); }
  index line_begin(std::size_t l) const { return systems_[l].begin; }
  index line_end(std::size_t l) const { return line_begin(l) + systems_[l].width(); }

  /// Differences and slope (H + A) d from codes and lines, free of accumulated rounding.
  void restart() {
    for (std::size_t l = 0; l < systems_.size(); ++l)
      for (index c = line_begin(l); c < line_end(l); ++c)
        difference_(c) = (*weights_)(c)-search_.real(lines_[l], choice_[c]);
    slope_.noalias() = h_ * difference_;
    slope_ += added_.cwiseProduct(difference_);
  }

  void move(index c, Scalar by) {
    difference_(c) -= by;
    slope_ -= by * h_.col(c);
    slope_(c) -= by * added_(c);
  }

  void descend() {
    constexpr int most_sweeps = 20;
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
      bool moved = false;
      for (std::size_t l = 0; l < systems_.size(); ++l)
        for (index c = line_begin(l); c < line_end(l); ++c) moved |= descend(c, lines_[l]);
      if (!moved) return;
    }
  }
  bool descend(index c, const number_line& line) {
    const Scalar now = search_.real(line, choice_[c]), steep = curvature(c);
    if (!(steep > 0)) return false;
    if (line.scale == 0) return false;
    const int better = search_.nearest(now + slope_(c) / steep, line);
    if (better == choice_[c]) return false;
    const Scalar by = search_.real(line, static_cast<std::uint8_t>(better)) - now;
    // What the error changes by, with a margin that keeps rounding noise from cycling.
    if (by * (by * steep - 2 * slope_(c)) >= -1e-9 * by * by * steep) return false;
    choice_[c] = static_cast<std::uint8_t>(better);
    move(c, by);
    return true;
  }

  /// All scales at once: with a the level - zero point of each column, the change x of the scales solves
  /// (A^T (H + A) A) x = A^T slope, A the columns a of each line.
  void refit_lines() {
    const auto count = static_cast<index>(systems_.size());
    dense_matrix<Scalar> pattern = dense_matrix<Scalar>::Zero(difference_.size(), count),
                         image(difference_.size(), count);
    for (index l = 0; l < count; ++l) {
      const auto at = static_cast<std::size_t>(l);
      const index begin = line_begin(at), width = systems_[at].width();
      for (index c = begin; c < begin + width; ++c)
        pattern(c, l) = static_cast<Scalar>(levels_[choice_[c]].value - lines_[l].zero_point);
      image.col(l).noalias() = h_.middleCols(begin, width) * pattern.col(l).segment(begin, width);
      image.col(l) += added_.cwiseProduct(pattern.col(l));
    }
    dense_matrix<Scalar> normal = pattern.transpose() * image;
    for (index l = 0; l < count; ++l)
      if (!(normal(l, l) > 0)) normal(l, l) = 1;  // no column of the line is off its zero point
    const Eigen::VectorX<Scalar> change = normal.ldlt().solve(pattern.transpose() * slope_);
    const std::vector<number_line> before(lines_, lines_ + count);
    const Scalar error_before = error();
    for (index l = 0; l < count; ++l) lines_[l] = scaled_line(l, lines_[l], change(l));
    restart();
    if (error() < error_before) return;
    std::copy(before.begin(), before.end(), lines_);
    restart();
  }
  number_line scaled_line(index l, number_line line, Scalar change) const {
    const Scalar wanted = static_cast<Scalar>(line.scale) + change;
    if (!(line.scale > 0) || !(wanted > 0)) return line;
    line.scale = static_cast<float>(wanted);
    return target_.storable(row_, l, line);
  }

  /// Decides line l anew.
  void search_line(std::size_t l) {
    const line_system<Scalar>& s = systems_[l];
    if (!s.usable() || lines_[l].scale == 0) return;
    const index width = s.width();
    ordered(s, slope_, slope_here_);
    // t - real = G^-1 slope
    offset_ = s.upper.template triangularView<Eigen::Upper>().solve(slope_here_);
    const Scalar cost_before = offset_.squaredNorm();
    s.upper.transpose().template triangularView<Eigen::Lower>().solveInPlace(offset_);
    for (index i = 0; i < width; ++i)
      offset_(i) += search_.real(lines_[l], choice_[s.begin + s.order[static_cast<std::size_t>(i)]]);

    collect_candidates(s, static_cast<index>(l));
    const line_choice<Scalar>* best = nullptr;
    for (line_choice<Scalar>& candidate : candidates_) {
      line_choice<Scalar> better = search_.decode_widely(s, offset_, candidate.line);
      if (better.cost < candidate.cost) candidate = std::move(better);
      if (target_.adjustable()) polish(s, static_cast<index>(l), candidate);
      if (best == nullptr || candidate.cost < best->cost) best = &candidate;
    }
    if (best != nullptr && best->cost < cost_before * (1 - 1e-9)) adopt(l, *best);
  }

  /// The cheapest few of a range of scales around the present one, with each neighbouring zero point.
  void collect_candidates(const line_system<Scalar>& s, index l) {
    const number_line present = lines_[l];
    candidates_.clear();
    const int reach = target_.adjustable() ? scale_reach : 0;
    for (int shift = reach > 0 ? -1 : 0; shift <= (reach > 0 ? 1 : 0); ++shift) {
      for (int i = -reach; i <= reach; ++i) {
        number_line line = present;
        line.scale = static_cast<float>(static_cast<Scalar>(present.scale) * (1 + scale_step * i));
        line.zero_point += static_cast<float>(shift);
        if (reach > 0) line = target_.storable(row_, l, line);
        if (line.zero_point != present.zero_point + static_cast<float>(shift)) continue;
        const bool full = candidates_.size() == kept_candidates;
        line_choice<Scalar> found = search_.decode(
            s, offset_, line, full ? candidates_.back().cost : std::numeric_limits<Scalar>::infinity());
        if (found.choice.empty()) continue;
        if (full) candidates_.pop_back();
        const auto at =
            std::upper_bound(candidates_.begin(), candidates_.end(), found.cost,
                             [](Scalar cost, const line_choice<Scalar>& c) { return cost < c.cost; });
        candidates_.insert(at, std::move(found));
      }
    }
  }

  /// Alternates the scale in closed form and decoding anew, while that helps.
  void polish(const line_system<Scalar>& s, index l, line_choice<Scalar>& x) {
    constexpr int most_rounds = 4;
    for (int round = 0; round < most_rounds; ++round) {
      const index width = s.width();
      pattern_.resize(width);
      remainder_.resize(width);
      for (index i = 0; i < width; ++i) {
        const std::uint8_t z = x.choice[static_cast<std::size_t>(i)];
        pattern_(i) = static_cast<Scalar>(levels_[z].value - x.line.zero_point);
        remainder_(i) = offset_(i) - search_.real(x.line, z);
      }
      const Eigen::RowVectorX<Scalar> a =
          pattern_.transpose() * s.upper.template triangularView<Eigen::Upper>();
      const Eigen::RowVectorX<Scalar> e =
          remainder_.transpose() * s.upper.template triangularView<Eigen::Upper>();
      if (!(a.squaredNorm() > 0)) return;
      const number_line line = scaled_line(l, x.line, a.dot(e) / a.squaredNorm());
      if (line == x.line) return;
      line_choice<Scalar> next = search_.decode(s, offset_, line, x.cost);
      line_choice<Scalar> same{line, x.choice, 0};
      for (index i = 0; i < width; ++i)
        remainder_(i) = offset_(i) - search_.real(line, x.choice[static_cast<std::size_t>(i)]);
      same.cost = (remainder_.transpose() * s.upper.template triangularView<Eigen::Upper>()).squaredNorm();
      line_choice<Scalar>& better = next.cost < same.cost ? next : same;
      if (better.cost >= x.cost) return;
      x = std::move(better);
    }
  }

  void adopt(std::size_t l, const line_choice<Scalar>& found) {
    const line_system<Scalar>& s = systems_[l];
    for (std::size_t i = 0; i < s.order.size(); ++i) {
      const index c = s.begin + s.order[i];
      const Scalar by = search_.real(found.line, found.choice[i]) - search_.real(lines_[l], choice_[c]);
      choice_[c] = found.choice[i];
      if (by != 0) changes_.push_back({c, by});
    }
    lines_[l] = found.line;
    for (const auto& [c, by] : changes_) move(c, by);
    changes_.clear();
  }

  static void ordered(const line_system<Scalar>& s, const Eigen::VectorX<Scalar>& all,
                      Eigen::VectorX<Scalar>& here) {
    here.resize(s.width());
    for (index i = 0; i < s.width(); ++i) here(i) = all(s.begin + s.order[static_cast<std::size_t>(i)]);
  }

  static constexpr int scale_reach = 10;
  static constexpr Scalar scale_step = 0.03;
  static constexpr std::size_t kept_candidates = 4;

  const feedback_target& target_;
  std::span<const feedback_target::level> levels_;
  const dense_matrix<Scalar>& h_;
  const Eigen::VectorX<Scalar>& added_;
  const std::vector<line_system<Scalar>>& systems_;
  line_search<Scalar> search_;

  index row_ = 0;
  const Eigen::VectorX<Scalar>* weights_ = nullptr;
  std::uint8_t* choice_ = nullptr;
  number_line* lines_ = nullptr;
  Eigen::VectorX<Scalar> difference_, slope_, slope_here_, offset_, pattern_, remainder_;
  std::vector<line_choice<Scalar>> candidates_;
  std::vector<std::pair<index, Scalar>> changes_;
};

}  // namespace bitgauge::detail
