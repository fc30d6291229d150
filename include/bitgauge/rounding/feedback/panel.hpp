#pragma once

/// \file
/// Some rows of a matrix between reading and storing, and how their columns divide.

#include <bitgauge/base/config.hpp>
#include <bitgauge/rounding/feedback/target.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

template <class Scalar>
using row_major_matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Some rows on their way to codes. Columns of weights and differences are in the order of processing, the
/// rest is in the order of the matrix.
template <class Scalar>
struct feedback_panel {
  index_t first = 0, count = 0;
  row_major_matrix<Scalar> weights;     ///< as read, dead columns 0
  row_major_matrix<Scalar> difference;  ///< weights - real value of the codes
  std::vector<std::uint8_t> choice;     ///< index in target.levels() of each element
  std::vector<number_line> lines;
  row_major_matrix<float> rounded;  ///< what each code was chosen for: weights with all errors fed back
  row_major_matrix<float> fitted;   ///< what the parameters of each run were last chosen for
  Eigen::VectorXd error;            ///< of each row, damping left out: set by error_feedback::round

  std::uint8_t* row_choice(index_t r) { return choice.data() + r * weights.cols(); }
  const std::uint8_t* row_choice(index_t r) const { return choice.data() + r * weights.cols(); }
  number_line* row_lines(index_t r) {
    return lines.data() + r * (static_cast<index_t>(lines.size()) / count);
  }
  const number_line* row_lines(index_t r) const {
    return lines.data() + r * (static_cast<index_t>(lines.size()) / count);
  }

  /// Takes over what was decided for a row of a panel of the same rows.
  void copy_row(const feedback_panel& from, index_t r) {
    std::copy_n(from.row_choice(r), weights.cols(), row_choice(r));
    std::copy_n(from.row_lines(r), static_cast<index_t>(lines.size()) / count, row_lines(r));
    difference.row(r) = from.difference.row(r);
    rounded.row(r) = from.rounded.row(r);
    fitted.row(r) = from.fitted.row(r);
    error(r) = from.error(r);
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

}  // namespace bitgauge::detail
