#pragma once

/// \file
/// What sparse_gpt.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/rounding/feedback/pruning_run.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/rounding/sparse_gpt.hpp>

#include <algorithm>
#include <cstdint>
#include <span>

namespace bitgauge::detail {

/// Floats as error feedback reads them: no grid, and a block that is a whole row.
class dense_target final : public feedback_target {
 public:
  dense_target(const float* weights, index_t rows, index_t cols)
      : weights_(weights), rows_(rows), cols_(cols) {}

  index_t rows() const override { return rows_; }
  index_t cols() const override { return cols_; }
  index_t block_width() const override { return std::max<index_t>(1, cols_); }
  index_t group_width() const override { return block_width(); }
  std::span<const level> levels() const override { return {}; }
  void read(index_t first, index_t count, float* out) const override {
    std::copy_n(weights_ + first * cols_, count * cols_, out);
  }
  void fit(index_t, index_t, std::span<const float>, std::span<const float>, affine_map*) override {}
  bool fitted_beforehand() const override { return false; }
  int nearest(float, const affine_map&) const override { return 0; }
  bool adjustable() const override { return false; }
  affine_map storable(index_t, index_t, affine_map wanted) const override { return wanted; }
  void store(index_t, const std::uint8_t*, const affine_map*) override {}

 private:
  const float* weights_;
  index_t rows_, cols_;
};

BITGAUGE_DEFINE void prune_by_feedback(feedback_target& target, const sparse_gpt& how, int threads,
                                       float* floats) {
  if (how.inputs().inputs() != target.cols())
    raise_message<shape_error>({"sparse_gpt: expected a Hessian of ", target.cols(),
                                " inputs, one for each column of the matrix, found ", how.inputs().inputs()});
  if (const pruning_mask* given = how.given();
      given != nullptr && (given->rows() != target.rows() || given->cols() != target.cols()))
    raise_message<shape_error>({"sparse_gpt: expected a mask of ", target.rows(), " x ", target.cols(),
                                ", found ", given->rows(), " x ", given->cols()});
  const serial_products serial;
  pruning_run(target, how, threads, floats).run();
}

BITGAUGE_DEFINE void prune_floats_by_feedback(std::span<float> weights, index_t rows, index_t cols,
                                              const sparse_gpt& how, int threads) {
  if (rows < 0 || cols < 1 || static_cast<index_t>(weights.size()) != rows * cols)
    raise_message<shape_error>(
        {"sparse_gpt: expected ", rows, " x ", cols, " weights, found ", weights.size()});
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!numeric::is_finite(weights[i]))
      raise_message<data_error>({"sparse_gpt: row ", static_cast<index_t>(i) / cols, ", column ",
                                 static_cast<index_t>(i) % cols, ": expected a finite value, found ",
                                 numeric::is_nan(weights[i]) ? "NaN" : "infinity"});
  dense_target target(weights.data(), rows, cols);
  prune_by_feedback(target, how, threads, weights.data());
}

}  // namespace bitgauge::detail
