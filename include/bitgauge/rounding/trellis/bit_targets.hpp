#pragma once

/// \file
/// What levels are chosen for where their bits are part of the quadratic form.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/rounding/trellis/column_sums.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bitgauge::detail {

/// With H + A = R R^T,
///
///     (w - q) H (w - q)^T + q A q^T = ||(w - q) R - g||^2 + terms without q,   R g^T = A w^T
///
/// so that the levels of column j are chosen for w_j - g_j / R_jj plus what is fed back of w - q. Returns these targets.
/// `weights`: a row for each column of the matrix, in the order of processing, as `bit_costs` has A. Sums are rounded in
/// a fixed order. Cost: m n^2 / 2 multiplications.
inline numeric::row_major_matrix<float> bit_targets(const numeric::row_major_matrix<float>& weights,
                                                    const numeric::row_major_matrix<float>& factor,
                                                    const std::vector<double>& bit_costs, int threads) {
  const index_t n = weights.rows(), m = weights.cols();
  constexpr index_t height = 512, batch = 64;
  numeric::row_major_matrix<float> targets(n, m);
  parallel_for((m + height - 1) / height, threads, [&](index_t panel) {
    const index_t first = panel * height, count = std::min(height, m - first), sixteens = (count + 15) / 16,
                  stride = sixteens * 16;
    numeric::row_major_matrix<float> g(n, stride);
    std::vector<float> factors;
    for (index_t end = n; end > 0; end -= std::min(batch, end)) {
      const index_t begin = std::max<index_t>(0, end - batch), width = end - begin;
      // -R_ji / R_jj of columns j of the batch and columns i behind its first
      factors.resize(static_cast<std::size_t>((n - begin) * width));
      for (index_t j = 0; j < width; ++j)
        for (index_t i = begin; i < n; ++i)
          factors[static_cast<std::size_t>((i - begin) * width + j)] =
              i > begin + j ? -factor(begin + j, i) / factor(begin + j, begin + j) : 0;
      for (index_t j = begin; j < end; ++j) {
        const float share = static_cast<float>(bit_costs[static_cast<std::size_t>(j)]) / factor(j, j);
        float* const to = g.row(j);
        std::fill_n(to, stride, 0.0f);
        for (index_t r = 0; r < count; ++r) to[r] = share * weights(j, first + r);
      }
      if (end < n)
        add_columns(g.row(begin), width, g.row(end), n - end, factors.data() + (end - begin) * width, width,
                    stride, sixteens);
      for (index_t j = end - 1; j-- > begin;)
        add_columns(g.row(j), 1, g.row(j + 1), end - 1 - j,
                    factors.data() + (j + 1 - begin) * width + j - begin, width, stride, sixteens);
      for (index_t j = begin; j < end; ++j) {
        const float inverse = 1 / factor(j, j);
        for (index_t r = 0; r < count; ++r)
          targets(j, first + r) = weights(j, first + r) - numeric::uncontracted(g(j, r) * inverse);
      }
    }
  });
  return targets;
}

}  // namespace bitgauge::detail
