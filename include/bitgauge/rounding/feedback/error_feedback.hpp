#pragma once

/// \file
/// Rounding column by column, the error of each fed back into those still to come.

#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/vectors.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/column_batch.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// GPTQ over a panel of rows (Frantar et al., ICLR 2023, algorithm 1), stated with R of feedback_factor
/// instead of its inverse: the up-to-date weights of a batch B of columns, given the differences D of the
/// columns P before it, are W_B + D_P R_PB R_BB^-1. Sums are of type Scalar; what is rounded is the
/// up-to-date weight as a float. Rows do not depend on each other.
template <class Scalar>
class error_feedback {
 public:
  error_feedback(feedback_target& target, const hessian& h, const feedback_factor<Scalar>& factor,
                 const gptq_options& options, fitted_to fits, const dense_matrix<Scalar>* correction)
      : target_(target), factor_(factor), correction_(correction), layout_(target), fits_to_(fits) {
    levels_ = target.levels();
    fits_dead_ = options.effort == effort::reference && layout_.block >= layout_.cols;
    divides_ = options.effort == effort::reference;
    importance_.resize(static_cast<std::size_t>(layout_.cols));
    double largest = h.matrix()(0, 0);
    for (index_t c = 1; c < layout_.cols; ++c) largest = std::max(largest, h.matrix()(c, c));
    for (index_t c = 0; c < layout_.cols; ++c) {
      // 0 is for dead inputs alone, and smaller ones must not become subnormal
      const double share = h.matrix()(c, c) / largest;
      importance_[static_cast<std::size_t>(c)] = share > 0 ? static_cast<float>(std::max(share, 1e-12)) : 0;
    }
    batches_ = plan_batches(layout_, factor, fits, std::max<index_t>(1, options.batch));
  }

  const column_layout& layout() const { return layout_; }
  std::span<const float> importance() const { return importance_; }

  /// Reads rows. Where parameters are fitted to the original weights, and `fits`, they are chosen here.
  feedback_panel<Scalar> read(index_t first, index_t count, bool fits = true) const {
    feedback_panel<Scalar> p(first, count, layout_);
    row_major_matrix<float> rows(count, layout_.cols);
    target_.read(first, count, rows.row(0));
    correct(rows);
    for (index_t r = 0; r < count; ++r) {
      float* values = rows.row(r);
      if (fits && fits_dead_) fit_row(p, r, values);
      for (const index_t c : factor_.dead) values[c] = 0;
      for (index_t i = 0; i < layout_.cols; ++i) p.weights(r, i) = static_cast<Scalar>(values[column(i)]);
    }
    if (fits && !fits_dead_) fit_original(p);
    return p;
  }

  /// The same rows as another panel's, which may come from feedback in the same order with other parameters.
  feedback_panel<Scalar> read_again(const feedback_panel<Scalar>& other) const {
    feedback_panel<Scalar> p(other.first, other.count, layout_);
    p.weights = other.weights;
    fit_original(p);
    return p;
  }

  /// Parameters for `values`, rows of the panel in the order of the matrix.
  void fit(feedback_panel<Scalar>& p, const row_major_matrix<float>& values) const {
    for (index_t r = 0; r < p.count; ++r) fit_row(p, r, values.row(r));
  }
  /// Asks anew for the parameters of a row, so that the target's last answer is the one that counts.
  void fit_again(feedback_panel<Scalar>& p, index_t r) const {
    const std::vector<float> values(p.fitted.row(r), p.fitted.row(r) + layout_.cols);
    fit_row(p, r, values.data());
  }

  /// Parameters from the original weights and every element rounded to nearest: what feedback is compared
  /// with.
  void round_nearest(feedback_panel<Scalar>& p) const {
    std::vector<float> values(static_cast<std::size_t>(layout_.cols));
    for (index_t r = 0; r < p.count; ++r) {
      target_.read(p.first + r, 1, values.data());
      fit_row(p, r, values.data());
      for (index_t i = 0; i < layout_.cols; ++i)
        p.difference(r, i) =
            p.weights(r, i) - choose(p, r, column(i), values[static_cast<std::size_t>(column(i))]);
    }
  }

  /// Chooses codes and, where they are not fitted to the original weights and `fits`, parameters.
  void round(feedback_panel<Scalar>& p, bool fits = true) const {
    row_major_matrix<Scalar> current;
    std::fill(p.error.begin(), p.error.end(), 0.0);
    for (std::size_t i = 0; i < batches_.size(); ++i) {
      begin_batch(p, i, current);
      for (index_t r = 0; r < p.count; ++r)
        round_row(p, r, batches_[i], fits && fits_to_ != fitted_to::original, current.row(r),
                  [&](index_t, index_t col, const Scalar* value) { return rounded(p, r, col, *value); });
    }
  }

  // --- the same step by step, for who decides otherwise what becomes of a weight: see pruning_run.hpp ---

  const std::vector<column_batch<Scalar>>& batches() const { return batches_; }
  /// The weights of batch i with all errors of the columns before it fed back.
  void begin_batch(const feedback_panel<Scalar>& p, std::size_t i, row_major_matrix<Scalar>& current) const {
    const column_batch<Scalar>& b = batches_[i];
    current.resize(p.count, b.span_end - b.begin);
    for (index_t r = 0; r < p.count; ++r)
      std::copy_n(p.weights.row(r) + b.begin, current.cols(), current.row(r));
    update(p, i, current);
  }
  /// Decides the batch's columns of row r. `decide(position, column, current)` is asked for each in turn and returns the
  /// real value that its weight *current becomes; those behind it in the batch follow it in memory.
  template <class Decide>
  void round_row(feedback_panel<Scalar>& p, index_t r, std::size_t i, Scalar* current,
                 const Decide& decide) const {
    round_row(p, r, batches_[i], fits_to_ != fitted_to::original, current, decide);
  }
  /// The real value of the code that a weight is rounded to.
  Scalar rounded(feedback_panel<Scalar>& p, index_t r, index_t col, Scalar value) const {
    p.rounded(r, col) = static_cast<float>(value);
    return choose(p, r, col, p.rounded(r, col));
  }

  /// Differences of row r anew, from its codes and maps.
  void compute_differences(feedback_panel<Scalar>& p, index_t r) const {
    for (index_t i = 0; i < layout_.cols; ++i) p.difference(r, i) = p.weights(r, i) - real(p, r, column(i));
  }

 private:
  index_t column(index_t position) const { return factor_.order[static_cast<std::size_t>(position)]; }

  /// current += D_P R_PB R_BB^-1. The sum over P is cut into fixed pieces, so that it does not depend on how
  /// a library divides a product. R_BB is undone batch by batch, each by its own U.
  void update(const feedback_panel<Scalar>& p, std::size_t index, row_major_matrix<Scalar>& current) const {
    const column_batch<Scalar>& b = batches_[index];
    if (b.begin == 0) return;
    constexpr index_t piece = 128;
    const index_t width = b.span_end - b.begin;
    row_major_matrix<Scalar> error(p.count, width);  // with its sign turned
    error.fill(0);
    const auto upper = numeric::view_of(factor_.upper);
    const auto differences = p.difference.transposed();
    for (index_t k = 0; k < b.begin; k += piece) {
      const index_t depth = std::min(piece, b.begin - k);
      numeric::subtract_product(error.transposed(), upper.block(k, b.begin, depth, width),
                                differences.block(k, 0, depth, p.count));
    }
    row_major_matrix<Scalar> scratch;
    for (; index < batches_.size() && batches_[index].begin < b.span_end; ++index) {
      const column_batch<Scalar>& next = batches_[index];
      const index_t begin = next.begin, end = std::min(next.end, b.span_end), rest = b.span_end - end;
      undo(error, begin - b.begin, next, end - begin, scratch);
      if (rest > 0)
        numeric::subtract_product(error.transposed().block(end - b.begin, 0, rest, p.count),
                                  upper.block(begin, end, end - begin, rest),
                                  error.transposed().block(begin - b.begin, 0, end - begin, p.count));
    }
    for (index_t r = 0; r < p.count; ++r)
      for (index_t i = 0; i < width; ++i) current(r, i) -= error(r, i);
  }

  /// Multiplies columns of `error`, from `first` on, by R_BB^-1 of a batch, cut off to `width`.
  void undo(row_major_matrix<Scalar>& error, index_t first, const column_batch<Scalar>& b, index_t width,
            row_major_matrix<Scalar>& scratch) const {
    constexpr index_t piece = 32;
    const index_t count = error.rows();
    scratch.resize(count, width);
    for (index_t r = 0; r < count; ++r)
      for (index_t i = 0; i < width; ++i) {
        scratch(r, i) = error(r, first + i) / -factor_.upper(b.begin + i, b.begin + i);
        error(r, first + i) = 0;
      }
    for (index_t i = 0; i < width; i += piece) {
      const index_t across = std::min(piece, width - i), depth = i + across;
      numeric::subtract_product(error.transposed().block(first + i, 0, across, count),
                                b.columns.transposed().block(0, i, depth, across),
                                scratch.transposed().block(0, 0, depth, count));
    }
    for (index_t r = 0; r < count; ++r) drop_negligible(error.row(r) + first, &factor_.size(b.begin), width);
  }

  template <class Decide>
  void round_row(feedback_panel<Scalar>& p, index_t r, const column_batch<Scalar>& b, bool fits,
                 Scalar* current, const Decide& decide) const {
    const index_t block = layout_.block;
    if (fits && fits_to_ == fitted_to::batch_begin)
      for (index_t i = (b.begin + block - 1) / block; i * block < b.end; ++i)
        fit_block(p, r, i, current + i * block - b.begin);
    for (index_t i = 0; i < b.end - b.begin; ++i) {
      const index_t position = b.begin + i, col = column(position);
      if (fits && fits_to_ == fitted_to::up_to_date && position % block == 0)
        fit_block(p, r, position / block, current + i);
      const Scalar real = decide(position, col, current + i);
      p.difference(r, position) = p.weights(r, position) - real;
      const Scalar error = current[i] - real;
      add_error(p, r, position, error);
      numeric::subtract_multiple(current + i + 1, error, b.feedback.row(i) + i + 1, b.end - position - 1);
    }
  }

  /// The damped squared error is the sum of (error R_jj)^2.
  void add_error(feedback_panel<Scalar>& p, index_t r, index_t position, Scalar error) const {
    const double scaled = static_cast<double>(error) * static_cast<double>(factor_.upper(position, position)),
                 difference = static_cast<double>(p.difference(r, position));
    p.row_error(r) += scaled * scaled - difference * difference * factor_.added(column(position));
  }

  void correct(row_major_matrix<float>& rows) const {
    if (correction_ == nullptr) return;
    row_major_matrix<Scalar> original(rows.rows(), rows.cols()), corrected(rows.rows(), rows.cols());
    for (index_t r = 0; r < rows.rows(); ++r) std::copy_n(rows.row(r), rows.cols(), original.row(r));
    numeric::multiply(corrected.transposed(), numeric::view_of(*correction_), original.transposed());
    for (index_t r = 0; r < rows.rows(); ++r)
      for (index_t c = 0; c < rows.cols(); ++c) rows(r, c) = static_cast<float>(corrected(r, c));
  }

  void fit_original(feedback_panel<Scalar>& p) const {
    if (fits_to_ != fitted_to::original) return;
    std::vector<float> values(static_cast<std::size_t>(layout_.cols));
    for (index_t r = 0; r < p.count; ++r) {
      for (index_t i = 0; i < layout_.cols; ++i)
        values[static_cast<std::size_t>(column(i))] = static_cast<float>(p.weights(r, i));
      fit_row(p, r, values.data());
    }
  }
  void fit_row(feedback_panel<Scalar>& p, index_t r, const float* values) const {
    for (index_t i = 0; i < layout_.blocks(); ++i) fit_block(p, r, i, values + i * layout_.block);
  }
  template <class Value>
  void fit_block(feedback_panel<Scalar>& p, index_t r, index_t i, const Value* values) const {
    const index_t begin = i * layout_.block, width = layout_.width(i);
    float* fitted = p.fitted.row(r) + begin;
    for (index_t c = 0; c < width; ++c) fitted[c] = static_cast<float>(values[c]);
    target_.fit(
        p.first + r, i, {fitted, static_cast<std::size_t>(width)},
        std::span(importance_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(width)),
        p.row_maps(r) + i * layout_.groups_of_full_block());
  }

  /// Decides the code of a column and returns its real value.
  Scalar choose(feedback_panel<Scalar>& p, index_t r, index_t col, float value) const {
    const affine_map& map = p.row_maps(r)[layout_.group_of(col)];
    const bool divide = divides_ && map.scale > 0;
    const int chosen = target_.nearest(divide ? (value + map.minimum) / map.scale : map.units(value), map);
    p.row_choice(r)[col] = static_cast<std::uint8_t>(chosen);
    return real(p, r, col);
  }
  Scalar real(const feedback_panel<Scalar>& p, index_t r, index_t col) const {
    const affine_map& map = p.row_maps(r)[layout_.group_of(col)];
    return static_cast<Scalar>(map.real(levels_[p.row_choice(r)[col]].value));
  }

  feedback_target& target_;
  const feedback_factor<Scalar>& factor_;
  const dense_matrix<Scalar>* correction_;  ///< rows are multiplied by it when read, unless null
  column_layout layout_;
  std::span<const feedback_target::level> levels_;
  fitted_to fits_to_;
  bool fits_dead_ = false;  ///< as the reference does where a group is a whole row
  bool divides_ = false;    ///< by the scale, as the reference does, instead of multiplying by its inverse
  std::vector<float> importance_;
  std::vector<column_batch<Scalar>> batches_;
};

}  // namespace bitgauge::detail
