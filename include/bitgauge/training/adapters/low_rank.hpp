#pragma once

/// \file
/// The nearest matrix of a low rank: what adapters start from.

#include <bitgauge/training/numbers.hpp>
#include <bitgauge/training/products.hpp>

#include <cstdint>

namespace bitgauge::detail {

/// left * right, of `rank` columns and rows, is the nearest to r in the sum of squares (Eckart and Young, 1936):
/// left = U sqrt(S), right = sqrt(S) V^T of the largest singular values S. Exact where the shorter side of r has no
/// more than 512 elements; beyond, r is first projected onto the range of r (r^T r)^4 G, G random of rank + 16
/// columns (Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4). Cost: 2 m n min(m, n) operations and an
/// eigenvalue problem, or 20 m n (rank + 16).
BITGAUGE_DECLARE void factor_low_rank(const number_view<double>& r, index_t rank, std::uint64_t seed,
                                      Eigen::MatrixXd& left, Eigen::MatrixXd& right);

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/training/adapters/low_rank_definitions.hpp>
#endif
