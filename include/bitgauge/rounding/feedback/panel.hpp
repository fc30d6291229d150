#pragma once

/// \file
/// Some rows of a matrix between reading and storing, and how their columns divide.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/target.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

using numeric::row_major_matrix;

/// The columns of a target, cut into blocks and groups.
struct column_layout {
  index_t cols, block, group;

  explicit column_layout(const feedback_target& t)
      : cols(t.cols()), block(t.block_width()), group(t.group_width()) {}
  index_t blocks() const { return (cols + block - 1) / block; }
  index_t width(index_t i) const { return std::min(block, cols - i * block); }
  index_t groups_of_full_block() const { return (block + group - 1) / group; }
  index_t group_of(index_t col) const { return col / block * groups_of_full_block() + col % block / group; }
  index_t group_begin(index_t g) const {
    return g / groups_of_full_block() * block + g % groups_of_full_block() * group;
  }
  index_t group_end(index_t g) const { return g + 1 < groups() ? group_begin(g + 1) : cols; }
  index_t groups() const { return group_of(cols - 1) + 1; }
};

/// Some rows on their way to codes. Columns of weights and differences are in the order of processing, the
/// rest is in the order of the matrix.
template <class Scalar>
struct feedback_panel {
  index_t first = 0, count = 0, groups = 0;
  row_major_matrix<Scalar> weights;     ///< as read, dead columns 0
  row_major_matrix<Scalar> difference;  ///< weights - real value of the codes
  std::vector<std::uint8_t> choice;     ///< index in target.levels() of each element
  std::vector<affine_map> maps;         ///< of each group
  row_major_matrix<float> rounded;      ///< what each code was chosen for: weights with all errors fed back
  row_major_matrix<float> fitted;       ///< what the parameters of each block were last chosen for
  std::vector<double> error;            ///< of each row, damping left out: set by error_feedback::round

  feedback_panel() = default;
  feedback_panel(index_t first_row, index_t rows, const column_layout& layout)
      : first(first_row),
        count(rows),
        groups(layout.groups()),
        weights(rows, layout.cols),
        difference(rows, layout.cols),
        choice(static_cast<std::size_t>(rows * layout.cols)),
        maps(static_cast<std::size_t>(rows * groups)),
        rounded(rows, layout.cols),
        fitted(rows, layout.cols),
        error(static_cast<std::size_t>(rows)) {
    rounded.fill(0);
    fitted.fill(0);
  }
  // Seven arrays: were these inlined wherever a panel is copied, they would be much of what is compiled.
  [[gnu::noinline]] feedback_panel(const feedback_panel&) = default;
  [[gnu::noinline]] feedback_panel(feedback_panel&&) noexcept = default;
  [[gnu::noinline]] feedback_panel& operator=(const feedback_panel&) = default;
  [[gnu::noinline]] feedback_panel& operator=(feedback_panel&&) noexcept = default;
  [[gnu::noinline]] ~feedback_panel() = default;

  std::uint8_t* row_choice(index_t r) { return choice.data() + r * weights.cols(); }
  const std::uint8_t* row_choice(index_t r) const { return choice.data() + r * weights.cols(); }
  affine_map* row_maps(index_t r) { return maps.data() + r * groups; }
  const affine_map* row_maps(index_t r) const { return maps.data() + r * groups; }
  double& row_error(index_t r) { return error[static_cast<std::size_t>(r)]; }
  double row_error(index_t r) const { return error[static_cast<std::size_t>(r)]; }

  /// Takes over what was decided for a row of a panel of the same rows.
  void copy_row(const feedback_panel& from, index_t r) {
    std::copy_n(from.row_choice(r), weights.cols(), row_choice(r));
    std::copy_n(from.row_maps(r), groups, row_maps(r));
    std::copy_n(from.difference.row(r), weights.cols(), difference.row(r));
    std::copy_n(from.rounded.row(r), weights.cols(), rounded.row(r));
    std::copy_n(from.fitted.row(r), weights.cols(), fitted.row(r));
    row_error(r) = from.row_error(r);
  }
};

}  // namespace bitgauge::detail
