#pragma once

/// \file
/// Which weights matter least? Masks by magnitude, and by magnitude and inputs.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/pruning_mask.hpp>
#include <bitgauge/rounding/pruning_pattern.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

/// |W_ij| times a factor a column, or 1 where there are none. `by_row`: an unstructured mask compares the weights of a row
/// with each other, and not all of them.
BITGAUGE_DECLARE pruning_mask mask_of(const char* what, const row_source& rows,
                                      std::span<const double> factors, const pruning_pattern& pattern,
                                      bool by_row);

template <class Derived>
pruning_mask mask_of(const char* what, const Eigen::DenseBase<Derived>& weights,
                     std::span<const double> factors, const pruning_pattern& pattern, bool by_row) {
  static_assert(!is_column_vector<Derived>,
                "bitgauge: a mask is that of a matrix: write magnitude_mask(w.transpose(), pattern)");
  return with_rows(weights,
                   [&](const row_source& rows) { return mask_of(what, rows, factors, pattern, by_row); });
}

}  // namespace detail

/// Prunes the weights of least magnitude: unstructured, all whose |w| is at most that of number count * share (from 0) of
/// the whole matrix in ascending order, one more than the share and none where it is 0; n_of_m, the least N of each M
/// neighbours, of equal ones the earlier.
///
///     const pruning_mask m = magnitude_mask(W, unstructured{0.5});
///
/// Throws data_error for NaN and infinity. Cost: linear in the number of weights.
template <class Derived>
pruning_mask magnitude_mask(const Eigen::DenseBase<Derived>& weights, const pruning_pattern& pattern) {
  return detail::mask_of("magnitude_mask", weights, {}, pattern, false);
}

/// Prunes the weights that move the outputs least where all others stay (Sun, Liu, Bair, Kolter: Wanda, ICLR 2024, arXiv
/// 2306.11695): those of least |W_ij| ||X_j||, where `norms` has the norm of each input over the samples, up to a common
/// factor. Unstructured, the least floor(in * share) of each row are pruned; n_of_m, the least N of each M neighbours; of
/// equal ones the earlier.
///
/// Throws shape_error unless there is a norm for each column, data_error for what is not finite and for norms below 0.
template <class Derived, class Norms>
pruning_mask wanda_mask(const Eigen::DenseBase<Derived>& weights, const Eigen::DenseBase<Norms>& norms,
                        const pruning_pattern& pattern) {
  const auto& given = norms.derived().eval();
  if (given.size() != weights.cols())
    detail::raise_message<shape_error>(
        {"wanda_mask: expected a norm for each of ", weights.cols(), " columns, found ", given.size()});
  std::vector<double> factors(static_cast<std::size_t>(given.size()));
  for (index_t c = 0; c < given.size(); ++c) {
    const auto norm = static_cast<double>(given.coeff(given.rows() == 1 ? 0 : c, given.rows() == 1 ? c : 0));
    if (!numeric::binary64::is_finite(norm) || norm < 0)
      raise(data_error("wanda_mask: norm of input " + std::to_string(c) +
                       ": expected a finite value from 0 up, found " + detail::general_text(norm, 6)));
    factors[static_cast<std::size_t>(c)] = norm;
  }
  return detail::mask_of("wanda_mask", weights, factors, pattern, true);
}
/// The same with the norms of the samples that a Hessian has seen: the roots of its diagonal.
///
///     hessian H(W.cols());
///     for (const auto& X : batches) H.accumulate(X);
///     const pruning_mask m = wanda_mask(W, H, n_of_m{2, 4});
template <class Derived>
pruning_mask wanda_mask(const Eigen::DenseBase<Derived>& weights, const hessian& h,
                        const pruning_pattern& pattern) {
  std::vector<double> norms(static_cast<std::size_t>(h.inputs()));
  for (index_t c = 0; c < h.inputs(); ++c) norms[static_cast<std::size_t>(c)] = std::sqrt(h.matrix()(c, c));
  return wanda_mask(weights, Eigen::Map<const Eigen::VectorXd>(norms.data(), h.inputs()), pattern);
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/pruned/prune_definitions.hpp>
#endif
