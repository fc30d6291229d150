#pragma once

/// \file
/// Rounding column by column, the error of each fed back into those still to come.

#include <bitgauge/rounding/feedback_factor.hpp>
#include <bitgauge/rounding/feedback_target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <span>
#include <vector>

namespace bitgauge::detail {

template <class Scalar>
using row_major_matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Some rows on their way to codes. Columns of the matrices are in the order of processing, fields and lines
/// in the order of the matrix.
template <class Scalar>
struct feedback_panel {
  index_t first = 0, count = 0;
  row_major_matrix<Scalar> weights;     ///< as read, dead columns 0
  row_major_matrix<Scalar> difference;  ///< weights - real value of the codes
  std::vector<std::uint8_t> choice;     ///< index in target.levels() of each element
  std::vector<number_line> lines;

  std::uint8_t* row_choice(index_t r) { return choice.data() + r * weights.cols(); }
  const std::uint8_t* row_choice(index_t r) const { return choice.data() + r * weights.cols(); }
  number_line* row_lines(index_t r) {
    return lines.data() + r * (static_cast<index_t>(lines.size()) / count);
  }
  const number_line* row_lines(index_t r) const {
    return lines.data() + r * (static_cast<index_t>(lines.size()) / count);
  }
};

/// The columns of a target, cut into runs and lines.
struct column_layout {
  index_t cols, run, line_run;

  explicit column_layout(const feedback_target& t)
      : cols(t.cols()), run(t.run_width()), line_run(t.line_width()) {}
  index_t runs() const { return (cols + run - 1) / run; }
  index_t width(index_t i) const { return std::min(run, cols - i * run); }
  index_t lines_of_full_run() const { return (run + line_run - 1) / line_run; }
  index_t line_of(index_t col) const { return col / run * lines_of_full_run() + col % run / line_run; }
  index_t line_begin(index_t line) const {
    return line / lines_of_full_run() * run + line % lines_of_full_run() * line_run;
  }
  index_t lines() const { return line_of(cols - 1) + 1; }
};

/// GPTQ over a panel of rows (Frantar et al., ICLR 2023, algorithm 1), stated with R of feedback_factor
/// instead of its inverse: the up-to-date weights of a block B of columns, given the differences D of the
/// columns P before it, are W_B + D_P R_PB R_BB^-1. Sums are of type Scalar; what is rounded is the
/// up-to-date weight as a float. Rows do not depend on each other.
template <class Scalar>
class error_feedback {
 public:
  error_feedback(feedback_target& target, const hessian& h, const feedback_factor<Scalar>& factor,
                 const gptq_options& options, const dense_matrix<Scalar>* correction)
      : target_(target), factor_(factor), correction_(correction), layout_(target) {
    levels_ = target.levels();
    static_ = options.static_groups || options.act_order || target.fitted_beforehand() ||
              layout_.run >= layout_.cols;
    fits_dead_ = options.level == effort::reference && layout_.run >= layout_.cols;
    divides_ = options.level == effort::reference;
    importance_.resize(static_cast<std::size_t>(layout_.cols));
    const double largest = h.matrix().diagonal().maxCoeff();
    for (index_t c = 0; c < layout_.cols; ++c)
      importance_[static_cast<std::size_t>(c)] = static_cast<float>(h.matrix()(c, c) / largest);
    plan(std::max<index_t>(1, options.block), options.level == effort::reference);
  }

  const column_layout& layout() const { return layout_; }
  std::span<const float> importance() const { return importance_; }

  /// Reads rows. Where groups are static, and `fits`, their parameters are chosen here, from the original
  /// weights.
  feedback_panel<Scalar> read(index_t first, index_t count, bool fits = true) const {
    feedback_panel<Scalar> p;
    p.first = first;
    p.count = count;
    const index_t cols = layout_.cols;
    p.weights.resize(count, cols);
    p.difference.resize(count, cols);
    p.choice.resize(static_cast<std::size_t>(count * cols));
    p.lines.resize(static_cast<std::size_t>(count * layout_.lines()));
    std::vector<float> rows(static_cast<std::size_t>(count * cols));
    target_.read(first, count, rows.data());
    correct(rows, count);
    for (index_t r = 0; r < count; ++r) {
      float* values = rows.data() + r * cols;
      if (fits && fits_dead_) fit_original(p, r, values);
      for (const index_t c : factor_.dead) values[c] = 0;
      if (fits && static_ && !fits_dead_) fit_original(p, r, values);
      for (index_t i = 0; i < cols; ++i) p.weights(r, i) = static_cast<Scalar>(values[column(i)]);
    }
    return p;
  }

  /// Parameters from the original weights and every element rounded to nearest: what feedback is compared
  /// with.
  void round_nearest(feedback_panel<Scalar>& p) const {
    std::vector<float> values(static_cast<std::size_t>(layout_.cols));
    for (index_t r = 0; r < p.count; ++r) {
      target_.read(p.first + r, 1, values.data());
      fit_original(p, r, values.data());
      for (index_t i = 0; i < layout_.cols; ++i)
        p.difference(r, i) =
            p.weights(r, i) - choose(p, r, column(i), values[static_cast<std::size_t>(column(i))]);
    }
  }

  /// Chooses codes and, where groups are not static and `fits`, parameters.
  void round(feedback_panel<Scalar>& p, bool fits = true) const {
    row_major_matrix<Scalar> current;
    for (const block& b : blocks_) {
      current = p.weights.middleCols(b.begin, b.span_end - b.begin);
      update(p, b, current);
      for (index_t r = 0; r < p.count; ++r) round_row(p, r, b, fits && !static_, &current(r, 0));
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
    bool fits_at_begin;
    row_major_matrix<Scalar> feedback;  ///< of U = R_BB^-1: U(i, j) / U(i, i)
  };

  index_t column(index_t position) const { return factor_.order[static_cast<std::size_t>(position)]; }

  /// Blocks end where runs start, so that a run's parameters come from weights that are up to date, except in
  /// the reference.
  void plan(index_t width, bool reference) {
    const index_t cols = layout_.cols, run = layout_.run;
    for (index_t begin = 0; begin < cols;) {
      const index_t to_next_run = run - begin % run;
      index_t end = begin + width;
      if (!static_ && !reference)
        end = run <= width ? begin + width / run * run : std::min(end, begin + to_next_run);
      end = std::min(end, cols);
      index_t span_end = end;
      if (!static_ && reference) span_end = std::max(end, std::min(cols, (end - 1) / run * run + run));
      if (!static_ && !reference && begin % run == 0) span_end = std::max(end, std::min(cols, begin + run));
      if (!static_ && reference && (end - 1) / run * run < begin) span_end = end;  // no run starts here
      blocks_.push_back({begin, end, span_end, reference, {}});
      const index_t b = end - begin;
      row_major_matrix<Scalar> inverse = row_major_matrix<Scalar>::Identity(b, b);
      factor_.upper.block(begin, begin, b, b).template triangularView<Eigen::Upper>().solveInPlace(inverse);
      for (index_t i = 0; i < b; ++i) inverse.row(i) /= inverse(i, i);
      blocks_.back().feedback = std::move(inverse);
      begin = end;
    }
  }

  /// current += D_P R_PB R_BB^-1. The sum over P is cut into fixed pieces, so that it does not depend on how
  /// a library divides a product.
  void update(const feedback_panel<Scalar>& p, const block& b, row_major_matrix<Scalar>& current) const {
    if (b.begin == 0) return;
    constexpr index_t piece = 128;
    const index_t width = b.span_end - b.begin;
    row_major_matrix<Scalar> error = row_major_matrix<Scalar>::Zero(p.count, width);
    for (index_t k = 0; k < b.begin; k += piece) {
      const index_t depth = std::min(piece, b.begin - k);
      error.noalias() += p.difference.middleCols(k, depth) * factor_.upper.block(k, b.begin, depth, width);
    }
    factor_.upper.block(b.begin, b.begin, width, width)
        .template triangularView<Eigen::Upper>()
        .template solveInPlace<Eigen::OnTheRight>(error);
    current += error;
  }

  void round_row(feedback_panel<Scalar>& p, index_t r, const block& b, bool fits, Scalar* current) const {
    const index_t run = layout_.run;
    if (fits && b.fits_at_begin)
      for (index_t i = (b.begin + run - 1) / run; i * run < b.end; ++i)
        fit(p, r, i, current + i * run - b.begin);
    for (index_t i = 0; i < b.end - b.begin; ++i) {
      const index_t position = b.begin + i, col = column(position);
      if (fits && !b.fits_at_begin && position % run == 0) fit(p, r, position / run, current + i);
      const Scalar real = choose(p, r, col, static_cast<float>(current[i]));
      p.difference(r, position) = p.weights(r, position) - real;
      const Scalar error = current[i] - real;
      const Scalar* feedback = &b.feedback(i, 0);
      for (index_t j = i + 1; j < b.end - b.begin; ++j) current[j] -= error * feedback[j];
    }
  }

  void correct(std::vector<float>& rows, index_t count) const {
    if (correction_ == nullptr) return;
    using row_major_floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<row_major_floats> w(rows.data(), count, layout_.cols);
    w = (w.template cast<Scalar>() * *correction_).template cast<float>();
  }

  void fit_original(feedback_panel<Scalar>& p, index_t r, const float* values) const {
    for (index_t i = 0; i < layout_.runs(); ++i) fit(p, r, i, values + i * layout_.run);
  }
  void fit(feedback_panel<Scalar>& p, index_t r, index_t i, const double* values) const {
    const std::vector<float> rounded(values, values + layout_.width(i));
    fit(p, r, i, rounded.data());
  }
  void fit(feedback_panel<Scalar>& p, index_t r, index_t i, const float* values) const {
    const auto width = static_cast<std::size_t>(layout_.width(i));
    target_.fit(p.first + r, i, {values, width},
                std::span(importance_).subspan(static_cast<std::size_t>(i * layout_.run), width),
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
  bool static_ = false;
  bool fits_dead_ = false;  ///< as the reference does where a group is a whole row
  bool divides_ = false;    ///< by the scale, as the reference does, instead of multiplying by its inverse
  std::vector<float> importance_;
  std::vector<block> blocks_;
};

}  // namespace bitgauge::detail
