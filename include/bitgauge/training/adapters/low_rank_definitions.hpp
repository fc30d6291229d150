#pragma once

/// \file
/// What low_rank.hpp declares.

#include <bitgauge/numeric/dense/vectors.hpp>
#include <bitgauge/training/adapters/lora.hpp>
#include <bitgauge/training/adapters/low_rank.hpp>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace bitgauge::detail {

/// Makes columns orthonormal, twice over (Gram and Schmidt, modified); those that depend on others become zero.
inline void orthonormalize(Eigen::MatrixXd& y) {
  const index_t n = y.rows();
  for (index_t c = 0; c < y.cols(); ++c) {
    double* const column = y.data() + c * n;
    const double before = std::sqrt(numeric::dot(column, column, n));
    for (int pass = 0; pass < 2; ++pass)
      for (index_t p = 0; p < c; ++p) {
        const double* const other = y.data() + p * n;
        numeric::subtract_multiple(column, numeric::dot(column, other, n), other, n);
      }
    const double norm = std::sqrt(numeric::dot(column, column, n));
    const double factor = norm > 1e-12 * before ? 1 / norm : 0;
    for (index_t i = 0; i < n; ++i) column[i] *= factor;
  }
}

BITGAUGE_DEFINE void factor_low_rank(const number_view<double>& r, index_t rank, std::uint64_t seed,
                                     Eigen::MatrixXd& left, Eigen::MatrixXd& right) {
  if (r.rows > r.cols) {
    Eigen::MatrixXd left_transposed, right_transposed;
    factor_low_rank(r.transposed(), rank, seed, left_transposed, right_transposed);
    left = right_transposed.transpose();
    right = left_transposed.transpose();
    return;
  }
  constexpr index_t exact_up_to = 512, oversampling = 16, rounds = 4;
  const index_t m = r.rows, n = r.cols;
  const auto product = [](const number_view<double>& a, const number_view<double>& b) {
    Eigen::MatrixXd c = Eigen::MatrixXd::Zero(a.rows, b.cols);
    add_product(product_view_of(c), 1, a, b);
    return c;
  };
  // r = basis * projected, exactly or nearly
  Eigen::MatrixXd basis, projected;
  number_view<double> part = r;
  if (m > exact_up_to && rank + oversampling < m) {
    const index_t width = rank + oversampling;
    Eigen::MatrixXd random(n, width);
    for (index_t i = 0; i < random.size(); ++i)
      random.data()[i] = uniform_number(seed, static_cast<std::uint64_t>(i)) - 0.5;
    basis = product(r, number_view_of(random));
    orthonormalize(basis);
    for (index_t i = 0; i < rounds; ++i) {
      Eigen::MatrixXd back = product(r.transposed(), number_view_of(basis));
      orthonormalize(back);
      basis = product(r, number_view_of(back));
      orthonormalize(basis);
    }
    projected = product(number_view_of(basis).transposed(), r);
    part = number_view_of(projected);
  }
  const Eigen::MatrixXd gram = product(part, part.transposed());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(gram);
  const index_t size = gram.rows();
  Eigen::MatrixXd vectors(size, rank);  // of the largest eigenvalues, the squares of singular values
  for (index_t k = 0; k < rank; ++k) vectors.col(k) = eigen.eigenvectors().col(size - 1 - k);
  left = basis.size() > 0 ? product(number_view_of(basis), number_view_of(vectors)) : vectors;
  right = product(number_view_of(vectors).transposed(), part);
  for (index_t k = 0; k < rank; ++k) {
    const double root = std::sqrt(std::sqrt(std::max(0.0, eigen.eigenvalues()(size - 1 - k))));
    left.col(k) *= root;
    right.row(k) *= root > 0 ? 1 / root : 0.0;
  }
}

}  // namespace bitgauge::detail
