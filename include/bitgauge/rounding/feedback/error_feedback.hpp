#pragma once

/// \file
/// Rounding column by column, the error of each fed back into those still to come.

#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// Which weights the parameters of a run are fitted to.
enum class fitted_to {
  original,    ///< before any error is fed back
  up_to_date,  ///< all errors of the columns before the run fed back
  block_begin  ///< as they were when the block began in which the run starts: the authors' program
};

/// GPTQ over a panel of rows (Frantar et al., ICLR 2023, algorithm 1), stated with R of feedback_factor
/// instead of its inverse: the up-to-date weights of a block B of columns, given the differences D of the
/// columns P before it, are W_B + D_P R_PB R_BB^-1. Sums are of type Scalar; what is rounded is the
/// up-to-date weight as a float. Rows do not depend on each other.
template <class Scalar>
class error_feedback {
 public:
  error_feedback(feedback_target& target, const hessian& h, const feedback_factor<Scalar>& factor,
                 const gptq_options& options, fitted_to fits, const dense_matrix<Scalar>* correction)
      : target_(target), factor_(factor), correction_(correction), layout_(target), fits_to_(fits) {
    levels_ = target.levels();
    fits_dead_ = options.effort == effort::reference && layout_.run >= layout_.cols;
    divides_ = options.effort == effort::reference;
    importance_.resize(static_cast<std::size_t>(layout_.cols));
    const double largest = h.matrix().diagonal().maxCoeff();
    for (index_t c = 0; c < layout_.cols; ++c) {
      // 0 is for dead inputs alone, and smaller ones must not become subnormal
      const double share = h.matrix()(c, c) / largest;
      importance_[static_cast<std::size_t>(c)] = share > 0 ? static_cast<float>(std::max(share, 1e-12)) : 0;
    }
    plan(std::max<index_t>(1, options.block));
  }

  const column_layout& layout() const { return layout_; }
  std::span<const float> importance() const { return importance_; }

  /// Reads rows. Where parameters are fitted to the original weights, and `fits`, they are chosen here.
  feedback_panel<Scalar> read(index_t first, index_t count, bool fits = true) const {
    feedback_panel<Scalar> p = empty_panel(first, count);
    const index_t cols = layout_.cols;
    std::vector<float> rows(static_cast<std::size_t>(count * cols));
    target_.read(first, count, rows.data());
    correct(rows, count);
    for (index_t r = 0; r < count; ++r) {
      float* values = rows.data() + r * cols;
      if (fits && fits_dead_) fit_row(p, r, values);
      for (const index_t c : factor_.dead) values[c] = 0;
      for (index_t i = 0; i < cols; ++i) p.weights(r, i) = static_cast<Scalar>(values[column(i)]);
    }
    if (fits && !fits_dead_) fit_original(p);
    return p;
  }

  /// The same rows as another panel's, which may come from feedback in the same order with other parameters.
  feedback_panel<Scalar> read_again(const feedback_panel<Scalar>& other) const {
    feedback_panel<Scalar> p = empty_panel(other.first, other.count);
    p.weights = other.weights;
    fit_original(p);
    return p;
  }

  /// Parameters for `values`, rows of the panel in the order of the matrix.
  void fit(feedback_panel<Scalar>& p, const row_major_matrix<float>& values) const {
    for (index_t r = 0; r < p.count; ++r) fit_row(p, r, values.row(r).data());
  }
  /// Asks anew for the parameters of a row, so that the target's last answer is the one that counts.
  void fit_again(feedback_panel<Scalar>& p, index_t r) const {
    const Eigen::VectorXf values = p.fitted.row(r);
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
    p.error.setZero(p.count);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const block& b = blocks_[i];
      current = p.weights.middleCols(b.begin, b.span_end - b.begin);
      update(p, i, current);
      for (index_t r = 0; r < p.count; ++r)
        round_row(p, r, b, fits && fits_to_ != fitted_to::original, &current(r, 0));
    }
  }

  /// Differences of row r anew, from its codes and lines.
  void compute_differences(feedback_panel<Scalar>& p, index_t r) const {
    for (index_t i = 0; i < layout_.cols; ++i) p.difference(r, i) = p.weights(r, i) - real(p, r, column(i));
  }

 private:
  /// Columns decided one after the other with updates applied within; `span_end` is where the last run that
  /// takes its parameters from the weights at the start of the block ends.
  struct block {
    index_t begin, end, span_end;
    row_major_matrix<Scalar> feedback;  ///< of U = R_BB^-1: U(i, j) / U(i, i); what is negligible is 0
  };

  index_t column(index_t position) const { return factor_.order[static_cast<std::size_t>(position)]; }

  /// Blocks end where runs start, so that a run's parameters come from weights that are up to date, except
  /// where they come from the weights at the start of the block.
  void plan(index_t width) {
    const index_t cols = layout_.cols, run = layout_.run;
    for (index_t begin = 0; begin < cols;) {
      const index_t to_next_run = run - begin % run;
      index_t end = begin + width;
      if (fits_to_ == fitted_to::up_to_date)
        end = run <= width ? begin + width / run * run : std::min(end, begin + to_next_run);
      end = std::min(end, cols);
      index_t span_end = end;
      const index_t last_run = (end - 1) / run * run;
      const bool run_starts = fits_to_ == fitted_to::up_to_date ? begin % run == 0 : last_run >= begin;
      if (fits_to_ != fitted_to::original && run_starts)
        span_end = std::max(end, std::min(cols, last_run + run));
      blocks_.push_back({begin, end, span_end, feedback_within(begin, end - begin)});
      begin = end;
    }
  }

  /// The rows of a block's U from the last to the first, each divided by its diagonal element.
  row_major_matrix<Scalar> feedback_within(index_t begin, index_t width) const {
    row_major_matrix<Scalar> u = row_major_matrix<Scalar>::Identity(width, width);
    const auto r = factor_.upper.block(begin, begin, width, width);
    const auto size = factor_.size.segment(begin, width);
    for (index_t i = width; i-- > 0;) {
      for (index_t k = i + 1; k < width; ++k)
        if (r(i, k) != 0) u.row(i).tail(width - k) -= r(i, k) / r(k, k) * u.row(k).tail(width - k);
      for (index_t j = i + 1; j < width; ++j)
        u(i, j) = kept<Scalar>(static_cast<double>(u(i, j)), static_cast<double>(size(i) / size(j)));
    }
    return u;
  }

  /// current += D_P R_PB R_BB^-1. The sum over P is cut into fixed pieces, so that it does not depend on how
  /// a library divides a product. R_BB is undone block by block, each by its own U.
  void update(const feedback_panel<Scalar>& p, std::size_t index, row_major_matrix<Scalar>& current) const {
    const block& b = blocks_[index];
    if (b.begin == 0) return;
    constexpr index_t piece = 128;
    const index_t width = b.span_end - b.begin;
    row_major_matrix<Scalar> error = row_major_matrix<Scalar>::Zero(p.count, width);
    for (index_t k = 0; k < b.begin; k += piece) {
      const index_t depth = std::min(piece, b.begin - k);
      error.noalias() += p.difference.middleCols(k, depth) * factor_.upper.block(k, b.begin, depth, width);
    }
    for (; index < blocks_.size() && blocks_[index].begin < b.span_end; ++index) {
      const block& next = blocks_[index];
      const index_t begin = next.begin, end = std::min(next.end, b.span_end), rest = b.span_end - end;
      auto own = error.middleCols(begin - b.begin, end - begin);
      own.array().rowwise() /= factor_.upper.diagonal().segment(begin, end - begin).transpose().array();
      own =
          (own *
           next.feedback.topLeftCorner(end - begin, end - begin).template triangularView<Eigen::UnitUpper>())
              .eval();
      drop_negligible_in_rows(own, factor_.size.segment(begin, end - begin));
      if (rest > 0)
        error.rightCols(rest).noalias() -= own * factor_.upper.block(begin, end, end - begin, rest);
    }
    current += error;
  }

  void round_row(feedback_panel<Scalar>& p, index_t r, const block& b, bool fits, Scalar* current) const {
    const index_t run = layout_.run;
    if (fits && fits_to_ == fitted_to::block_begin)
      for (index_t i = (b.begin + run - 1) / run; i * run < b.end; ++i)
        fit_run(p, r, i, current + i * run - b.begin);
    for (index_t i = 0; i < b.end - b.begin; ++i) {
      const index_t position = b.begin + i, col = column(position);
      if (fits && fits_to_ == fitted_to::up_to_date && position % run == 0)
        fit_run(p, r, position / run, current + i);
      p.rounded(r, col) = static_cast<float>(current[i]);
      const Scalar real = choose(p, r, col, p.rounded(r, col));
      p.difference(r, position) = p.weights(r, position) - real;
      const Scalar error = current[i] - real;
      add_error(p, r, position, error);
      const Scalar* feedback = &b.feedback(i, 0);
      for (index_t j = i + 1; j < b.end - b.begin; ++j) current[j] -= error * feedback[j];
    }
  }

  /// The damped squared error is the sum of (error R_jj)^2.
  void add_error(feedback_panel<Scalar>& p, index_t r, index_t position, Scalar error) const {
    const double scaled = static_cast<double>(error) * static_cast<double>(factor_.upper(position, position)),
                 difference = static_cast<double>(p.difference(r, position));
    p.error(r) += scaled * scaled - difference * difference * factor_.added(column(position));
  }

  void correct(std::vector<float>& rows, index_t count) const {
    if (correction_ == nullptr) return;
    using row_major_floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<row_major_floats> w(rows.data(), count, layout_.cols);
    w = (w.template cast<Scalar>() * *correction_).template cast<float>();
  }

  feedback_panel<Scalar> empty_panel(index_t first, index_t count) const {
    feedback_panel<Scalar> p;
    p.first = first;
    p.count = count;
    p.weights.resize(count, layout_.cols);
    p.difference.resize(count, layout_.cols);
    p.choice.resize(static_cast<std::size_t>(count * layout_.cols));
    p.lines.resize(static_cast<std::size_t>(count * layout_.lines()));
    p.rounded.setZero(count, layout_.cols);
    p.fitted.setZero(count, layout_.cols);
    p.error.setZero(count);
    return p;
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
    for (index_t i = 0; i < layout_.runs(); ++i) fit_run(p, r, i, values + i * layout_.run);
  }
  template <class Value>
  void fit_run(feedback_panel<Scalar>& p, index_t r, index_t i, const Value* values) const {
    const index_t begin = i * layout_.run, width = layout_.width(i);
    float* fitted = &p.fitted(r, begin);
    std::transform(values, values + width, fitted, [](Value x) { return static_cast<float>(x); });
    target_.fit(
        p.first + r, i, {fitted, static_cast<std::size_t>(width)},
        std::span(importance_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(width)),
        p.row_lines(r) + i * layout_.lines_of_full_run());
  }

  /// Decides the code of a column and returns its real value.
  Scalar choose(feedback_panel<Scalar>& p, index_t r, index_t col, float value) const {
    const number_line& line = p.row_lines(r)[layout_.line_of(col)];
    const bool divide = divides_ && line.scale > 0;
    const int chosen =
        target_.nearest(divide ? (value + line.minimum) / line.scale : line.units(value), line);
    p.row_choice(r)[col] = static_cast<std::uint8_t>(chosen);
    return real(p, r, col);
  }
  Scalar real(const feedback_panel<Scalar>& p, index_t r, index_t col) const {
    const number_line& line = p.row_lines(r)[layout_.line_of(col)];
    return static_cast<Scalar>(line.real(levels_[p.row_choice(r)[col]].value));
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
  std::vector<block> blocks_;
};

}  // namespace bitgauge::detail
