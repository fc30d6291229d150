#pragma once

/// \file
/// Made-up layers: weights, and inputs that are correlated as those of real layers are.

#include <Eigen/Core>

#include <cmath>
#include <random>

namespace test {

/// N(0, 1), drawn in the storage order of Matrix.
template <class Matrix = Eigen::MatrixXf, class Engine = std::mt19937>
Matrix normal_matrix(Eigen::Index rows, Eigen::Index cols, unsigned seed) {
  Engine engine(seed);
  std::normal_distribution<float> normal;
  return Matrix::NullaryExpr(rows, cols, [&] { return normal(engine); });
}

/// Samples x inputs of an AR(1) process, correlation rho between neighbouring inputs, each input scaled by
/// its own factor from 0.5 to 2.
inline Eigen::MatrixXf correlated_inputs(Eigen::Index samples, Eigen::Index inputs, float rho,
                                         unsigned seed) {
  Eigen::MatrixXf x = normal_matrix(samples, inputs, seed);
  for (Eigen::Index j = 1; j < inputs; ++j)
    x.col(j) = rho * x.col(j - 1) + std::sqrt(1 - rho * rho) * x.col(j);
  for (Eigen::Index j = 0; j < inputs; ++j) x.col(j) *= std::exp2(std::sin(static_cast<float>(7 * j)));
  return x;
}

/// ||D X^T||^2 / samples from a sum of outer products: the squared output error of weights that differ by D.
inline double output_error(const Eigen::MatrixXf& w, const Eigen::MatrixXf& real, const Eigen::MatrixXd& h) {
  const Eigen::MatrixXd d = w.cast<double>() - real.cast<double>();
  return (d * h).cwiseProduct(d).sum();
}

}  // namespace test
