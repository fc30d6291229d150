#pragma once

/// \file
/// Making the codes and scales of some rows better together.

#include <bitgauge/rounding/feedback/error_feedback.hpp>
#include <bitgauge/rounding/search/closest_vector_search.hpp>
#include <bitgauge/rounding/search/group_system.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Lowers the damped output error d (H + A) d^T of rows, d = weights - real, A diagonal, line by line: each
/// line of each row is decided anew together with its scale and zero point, all else held (block coordinate
/// descent, as with single columns in Behdin et al., QuantEase, arXiv 2309.01885; Nair and Suggala, CDQuant,
/// arXiv 2406.17542), and what is found is taken only where it lowers the error, so that the error never
/// rises. The slopes d (H + A) of all rows are kept up to date by one matrix product a line. What is
/// added keeps the search from fitting the noise of few samples: damping, and shrinkage.
template <class Scalar>
class coordinate_descent {
 public:
  coordinate_descent(const feedback_target& target, const Eigen::MatrixXd& h, const Eigen::VectorXd& added,
                     const std::vector<group_system<Scalar>>& systems)
      : h_(h), added_(added), systems_(systems), levels_(target.levels()), search_(target, levels_) {}

  /// Refines choices and lines of some rows of a panel; `weights` are all its rows in the order of the
  /// matrix. Returns the damped error that each row ends with.
  Eigen::VectorX<Scalar> run(feedback_panel<Scalar>& p, const row_major_matrix<Scalar>& weights,
                             std::vector<index_t> rows) {
    Eigen::VectorX<Scalar> error = measure(p, weights);
    active_ = std::move(rows);
    std::erase_if(active_, [&](index_t r) { return !(error(r) > 0); });
    constexpr int most_passes = 12;
    for (int pass = 0; pass < most_passes && !active_.empty(); ++pass) {
      for (std::size_t l = 0; l < systems_.size(); ++l)
        if (systems_[l].usable()) search_line(l);
      const Eigen::VectorX<Scalar> now = errors();
      std::erase_if(active_, [&](index_t r) { return !(now(r) < error(r) * Scalar(1 - 2e-3)); });
      error = now;
    }
    return measure(p, weights);
  }

  /// The damped error of each row, free of what rounding adds up to.
  Eigen::VectorX<Scalar> measure(feedback_panel<Scalar>& p, const row_major_matrix<Scalar>& weights) {
    panel_ = &p;
    difference_.resize(weights.rows(), weights.cols());
    for (std::size_t l = 0; l < systems_.size(); ++l)
      for (index_t r = 0; r < weights.rows(); ++r)
        for (index_t c = systems_[l].begin; c < systems_[l].begin + systems_[l].width(); ++c)
          difference_(r, c) = weights(r, c) - real(r, c, l);
    slope_.noalias() = difference_ * h_.template cast<Scalar>();
    slope_ += difference_ * added_.template cast<Scalar>().asDiagonal();
    return errors();
  }

 private:
  static constexpr Scalar noise = sizeof(Scalar) < sizeof(double) ? Scalar(1e-4) : Scalar(1e-9);

  Eigen::VectorX<Scalar> errors() const { return difference_.cwiseProduct(slope_).rowwise().sum(); }

  Scalar real(index_t r, index_t c, std::size_t l) const {
    return static_cast<Scalar>(panel_->row_lines(r)[l].real(levels_.value(panel_->row_choice(r)[c])));
  }

  /// Decides line l of all active rows anew.
  void search_line(std::size_t l) {
    const group_system<Scalar>& s = systems_[l];
    const index_t width = s.width(), count = static_cast<index_t>(active_.size());
    offset_.resize(width, count);
    for (index_t k = 0; k < count; ++k)
      for (index_t i = 0; i < width; ++i)
        offset_(i, k) = slope_(active_[static_cast<std::size_t>(k)], s.column(i));
    // values that would be best - real = G^-1 slope
    s.upper.template triangularView<Eigen::Upper>().solveInPlace(offset_);
    const Eigen::VectorX<Scalar> cost = offset_.colwise().squaredNorm();
    s.upper.transpose().template triangularView<Eigen::Lower>().solveInPlace(offset_);
    change_.resize(count, width);
    changed_.clear();
    for (index_t k = 0; k < count; ++k) {
      const index_t r = active_[static_cast<std::size_t>(k)];
      number_line& line = panel_->row_lines(r)[l];
      if (line.scale == 0) continue;
      before_.resize(width);
      values_.resize(static_cast<std::size_t>(width));
      for (index_t i = 0; i < width; ++i) {
        before_(i) = real(r, s.column(i), l);
        offset_(i, k) += before_(i);
        values_[static_cast<std::size_t>(i)] = static_cast<float>(offset_(i, k));
      }
      const group_choice* found =
          search_.run(panel_->first + r, static_cast<index_t>(l), s.factors, values_.data(), line);
      if (found != nullptr && measured_cost(s, *found, offset_.col(k)) < cost(k) * (1 - noise))
        adopt(s, l, r, *found);
    }
    propagate(s);
  }

  template <class Values>
  Scalar measured_cost(const group_system<Scalar>& s, const group_choice& found, const Values& values) {
    after_.resize(s.width());
    for (index_t i = 0; i < s.width(); ++i)
      after_(i) =
          static_cast<Scalar>(found.line.real(levels_.value(found.choice[static_cast<std::size_t>(i)])));
    remainder_ = (values - after_).transpose();
    return (remainder_ * s.upper.template triangularView<Eigen::Upper>()).squaredNorm();
  }

  void adopt(const group_system<Scalar>& s, std::size_t l, index_t r, const group_choice& found) {
    for (index_t i = 0; i < s.width(); ++i)
      panel_->row_choice(r)[s.column(i)] = found.choice[static_cast<std::size_t>(i)];
    panel_->row_lines(r)[l] = found.line;
    const auto row = static_cast<index_t>(changed_.size());
    for (index_t i = 0; i < s.width(); ++i) change_(row, s.column(i) - s.begin) = after_(i) - before_(i);
    changed_.push_back(r);
  }

  /// Tells all columns what changed in those of one line.
  void propagate(const group_system<Scalar>& s) {
    if (changed_.empty()) return;
    const auto count = static_cast<index_t>(changed_.size());
    const auto change = change_.topRows(count);
    const row_major_matrix<Scalar> moved = change * h_.middleRows(s.begin, s.width()).template cast<Scalar>();
    for (index_t k = 0; k < count; ++k) {
      const index_t r = changed_[static_cast<std::size_t>(k)];
      difference_.row(r).segment(s.begin, s.width()) -= change.row(k);
      slope_.row(r) -= moved.row(k);
      slope_.row(r).segment(s.begin, s.width()) -=
          change.row(k).cwiseProduct(added_.segment(s.begin, s.width()).template cast<Scalar>().transpose());
    }
  }

  const Eigen::MatrixXd& h_;
  const Eigen::VectorXd& added_;
  const std::vector<group_system<Scalar>>& systems_;
  level_lanes levels_;
  closest_vector_search search_;

  feedback_panel<Scalar>* panel_ = nullptr;
  std::vector<index_t> active_, changed_;  ///< rows of the panel
  row_major_matrix<Scalar> difference_, slope_, change_;
  dense_matrix<Scalar> offset_;  ///< a column for each active row
  Eigen::VectorX<Scalar> before_, after_;
  Eigen::RowVectorX<Scalar> remainder_;
  std::vector<float> values_;
};

}  // namespace bitgauge::detail
