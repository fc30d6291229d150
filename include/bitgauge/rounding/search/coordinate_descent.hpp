#pragma once

/// \file
/// Making the codes and scales of some rows better together.

#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/triangular.hpp>
#include <bitgauge/numeric/dense/vectors.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>
#include <bitgauge/rounding/search/closest_vector_search.hpp>
#include <bitgauge/rounding/search/group_system.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Lowers the damped output error d (H + A) d^T of rows, d = weights - real, A diagonal, group by group: each
/// group of each row is decided anew together with its scale and zero point, all else held (block coordinate
/// descent, as with single columns in Behdin et al., QuantEase, arXiv 2309.01885; Nair and Suggala, CDQuant,
/// arXiv 2406.17542), and what is found is taken only where it lowers the error, so that the error never
/// rises. The slopes d (H + A) of all rows are kept up to date by one matrix product a group. What is
/// added keeps the search from fitting the noise of few samples: damping, and shrinkage.
template <class Scalar>
class coordinate_descent {
 public:
  coordinate_descent(const feedback_target& target, numeric::matrix_view<const Scalar> h,
                     const Eigen::VectorXd& added, const std::vector<group_system<Scalar>>& systems)
      : h_(h), added_(added), systems_(systems), levels_(target.levels()), search_(target, levels_) {}

  /// Refines choices and maps of some rows of a panel; `weights` are all its rows in the order of the
  /// matrix. Returns the damped error that each row ends with.
  std::vector<Scalar> run(feedback_panel<Scalar>& p, const row_major_matrix<Scalar>& weights,
                          std::vector<index_t> rows) {
    std::vector<Scalar> error = measure(p, weights);
    const auto of = [](const std::vector<Scalar>& all, index_t r) {
      return all[static_cast<std::size_t>(r)];
    };
    active_ = std::move(rows);
    std::erase_if(active_, [&](index_t r) { return !(of(error, r) > 0); });
    constexpr int most_passes = 12;
    for (int pass = 0; pass < most_passes && !active_.empty(); ++pass) {
      for (std::size_t g = 0; g < systems_.size(); ++g)
        if (systems_[g].usable()) search_group(g);
      std::vector<Scalar> now = errors();
      std::erase_if(active_, [&](index_t r) { return !(of(now, r) < of(error, r) * Scalar(1 - 2e-3)); });
      error = std::move(now);
    }
    return measure(p, weights);
  }

  /// The damped error of each row, free of what rounding adds up to.
  std::vector<Scalar> measure(feedback_panel<Scalar>& p, const row_major_matrix<Scalar>& weights) {
    panel_ = &p;
    difference_.resize(weights.rows(), weights.cols());
    slope_.resize(weights.rows(), weights.cols());
    for (std::size_t g = 0; g < systems_.size(); ++g)
      for (index_t r = 0; r < weights.rows(); ++r)
        for (index_t c = systems_[g].begin; c < systems_[g].begin + systems_[g].width(); ++c)
          difference_(r, c) = weights(r, c) - real(r, c, g);
    numeric::multiply(slope_.transposed(), h_, difference_.transposed());
    for (index_t r = 0; r < weights.rows(); ++r)
      for (index_t c = 0; c < weights.cols(); ++c)
        slope_(r, c) += difference_(r, c) * static_cast<Scalar>(added_(c));
    return errors();
  }

 private:
  static constexpr Scalar noise = sizeof(Scalar) < sizeof(double) ? Scalar(1e-4) : Scalar(1e-9);

  std::vector<Scalar> errors() const {
    std::vector<Scalar> all(static_cast<std::size_t>(difference_.rows()));
    for (index_t r = 0; r < difference_.rows(); ++r)
      all[static_cast<std::size_t>(r)] = numeric::dot(difference_.row(r), slope_.row(r), difference_.cols());
    return all;
  }

  Scalar real(index_t r, index_t c, std::size_t g) const {
    return static_cast<Scalar>(panel_->row_maps(r)[g].real(levels_.value(panel_->row_choice(r)[c])));
  }

  /// Decides group g of all active rows anew.
  void search_group(std::size_t g) {
    const group_system<Scalar>& s = systems_[g];
    const index_t width = s.width(), count = static_cast<index_t>(active_.size());
    const auto upper = numeric::view_of(s.upper);
    offset_.resize(count, width);
    for (index_t k = 0; k < count; ++k)
      for (index_t i = 0; i < width; ++i)
        offset_(k, i) = slope_(active_[static_cast<std::size_t>(k)], s.column(i));
    // values that would be best - real = G^-1 slope
    numeric::solve(upper, offset_.transposed());
    cost_.resize(active_.size());
    for (index_t k = 0; k < count; ++k)
      cost_[static_cast<std::size_t>(k)] = numeric::dot(offset_.row(k), offset_.row(k), width);
    numeric::solve_transposed(upper, offset_.transposed());
    change_.resize(count, width);
    changed_.clear();
    for (index_t k = 0; k < count; ++k) {
      const index_t r = active_[static_cast<std::size_t>(k)];
      const affine_map& present = panel_->row_maps(r)[g];
      if (present.scale == 0) continue;
      before_.resize(static_cast<std::size_t>(width));
      values_.resize(before_.size());
      for (index_t i = 0; i < width; ++i) {
        const auto at = static_cast<std::size_t>(i);
        before_[at] = real(r, s.column(i), g);
        offset_(k, i) += before_[at];
        values_[at] = static_cast<float>(offset_(k, i));
      }
      const group_choice* found =
          search_.run(panel_->first + r, static_cast<index_t>(g), s.factors, values_.data(), present);
      if (found != nullptr &&
          measured_cost(s, *found, offset_.row(k)) < cost_[static_cast<std::size_t>(k)] * (1 - noise))
        adopt(s, g, r, *found);
    }
    propagate(s);
  }

  Scalar measured_cost(const group_system<Scalar>& s, const group_choice& found, const Scalar* values) {
    after_.resize(static_cast<std::size_t>(s.width()));
    remainder_.resize(after_.size());
    for (std::size_t i = 0; i < after_.size(); ++i) {
      after_[i] = static_cast<Scalar>(found.map.real(levels_.value(found.choice[i])));
      remainder_[i] = values[i] - after_[i];
    }
    return s.cost(remainder_);
  }

  void adopt(const group_system<Scalar>& s, std::size_t g, index_t r, const group_choice& found) {
    const auto row = static_cast<index_t>(changed_.size());
    for (index_t i = 0; i < s.width(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      panel_->row_choice(r)[s.column(i)] = found.choice[at];
      change_(row, s.column(i) - s.begin) = after_[at] - before_[at];
    }
    panel_->row_maps(r)[g] = found.map;
    changed_.push_back(r);
  }

  /// Tells all columns what changed in those of one group.
  void propagate(const group_system<Scalar>& s) {
    if (changed_.empty()) return;
    const auto count = static_cast<index_t>(changed_.size());
    moved_.resize(count, slope_.cols());
    numeric::multiply(moved_.transposed(), h_.block(s.begin, 0, s.width(), slope_.cols()),
                      change_.transposed().block(0, 0, s.width(), count));
    for (index_t k = 0; k < count; ++k) {
      Scalar* slope = slope_.row(changed_[static_cast<std::size_t>(k)]);
      Scalar* difference = difference_.row(changed_[static_cast<std::size_t>(k)]);
      for (index_t c = 0; c < slope_.cols(); ++c) slope[c] -= moved_(k, c);
      for (index_t i = 0; i < s.width(); ++i) {
        difference[s.begin + i] -= change_(k, i);
        slope[s.begin + i] -= change_(k, i) * static_cast<Scalar>(added_(s.begin + i));
      }
    }
  }

  numeric::matrix_view<const Scalar> h_;
  const Eigen::VectorXd& added_;
  const std::vector<group_system<Scalar>>& systems_;
  level_lanes levels_;
  closest_vector_search search_;

  feedback_panel<Scalar>* panel_ = nullptr;
  std::vector<index_t> active_, changed_;                         ///< rows of the panel
  row_major_matrix<Scalar> difference_, slope_, change_, moved_;  ///< the last two by changed row
  row_major_matrix<Scalar> offset_;                               ///< a row for each active one
  std::vector<Scalar> cost_, before_, after_, remainder_;
  std::vector<float> values_;
};

}  // namespace bitgauge::detail
