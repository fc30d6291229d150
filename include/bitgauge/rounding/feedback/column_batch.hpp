#pragma once

/// \file
/// How error feedback divides the columns: batches that are rounded before their errors go to the rest.

#include <bitgauge/numeric/dense/vectors.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/feedback/panel.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Which weights the parameters of a block are fitted to.
enum class fitted_to {
  original,    ///< before any error is fed back
  up_to_date,  ///< all errors of the columns before the block fed back
  batch_begin  ///< as they were when the batch began in which the block starts: the authors' program
};

/// Columns decided one after the other with updates applied within; `span_end` is where the last block that
/// takes its parameters from the weights at the start of the batch ends.
template <class Scalar>
struct column_batch {
  index_t begin, end, span_end;
  /// Of U = R_BB^-1: U(i, j) / U(i, i), 0 below the diagonal; what is negligible is 0.
  row_major_matrix<Scalar> feedback;
  row_major_matrix<Scalar> columns;  ///< the same transposed, which the first batch has no need of
};

/// The rows of a batch's U from the last to the first, each divided by its diagonal element.
template <class Scalar>
row_major_matrix<Scalar> feedback_within(const feedback_factor<Scalar>& factor, index_t begin,
                                         index_t width) {
  row_major_matrix<Scalar> u(width, width);
  const auto r = numeric::view_of(factor.upper).block(begin, begin, width, width);
  const Scalar* size = &factor.size(begin);
  for (index_t i = width; i-- > 0;) {
    std::fill_n(u.row(i), width, Scalar(0));
    u(i, i) = 1;
    for (index_t k = i + 1; k < width; ++k) {
      if (r(i, k) == 0) continue;
      numeric::subtract_multiple(u.row(i) + k, r(i, k) / r(k, k), u.row(k) + k, width - k);
    }
    for (index_t j = i + 1; j < width; ++j)
      u(i, j) = kept<Scalar>(static_cast<double>(u(i, j)), static_cast<double>(size[i] / size[j]));
  }
  return u;
}

template <class Scalar>
row_major_matrix<Scalar> transposed_upper(const row_major_matrix<Scalar>& upper) {
  row_major_matrix<Scalar> lower(upper.cols(), upper.rows());
  for (index_t c = 0; c < upper.cols(); ++c) {
    for (index_t r = 0; r <= c; ++r) lower(c, r) = upper(r, c);
    std::fill(lower.row(c) + c + 1, lower.row(c) + upper.rows(), Scalar(0));
  }
  return lower;
}

/// Batches of `width` columns that end where blocks start, so that a block's parameters come from weights
/// that are up to date, except where they come from the weights at the start of the batch.
template <class Scalar>
std::vector<column_batch<Scalar>> plan_batches(const column_layout& layout,
                                               const feedback_factor<Scalar>& factor, fitted_to fits,
                                               index_t width) {
  std::vector<column_batch<Scalar>> batches;
  const index_t cols = layout.cols, block = layout.block;
  for (index_t begin = 0; begin < cols;) {
    const index_t to_next_block = block - begin % block;
    index_t end = begin + width;
    if (fits == fitted_to::up_to_date)
      end = block <= width ? begin + width / block * block : std::min(end, begin + to_next_block);
    end = std::min(end, cols);
    index_t span_end = end;
    const index_t last_block = (end - 1) / block * block;
    const bool block_starts = fits == fitted_to::up_to_date ? begin % block == 0 : last_block >= begin;
    if (fits != fitted_to::original && block_starts)
      span_end = std::max(end, std::min(cols, last_block + block));
    row_major_matrix<Scalar> feedback = feedback_within(factor, begin, end - begin), columns;
    if (begin > 0) columns = transposed_upper(feedback);
    batches.push_back({begin, end, span_end, std::move(feedback), std::move(columns)});
    begin = end;
  }
  return batches;
}

}  // namespace bitgauge::detail
