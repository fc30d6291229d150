// Catches matrices that are read wrongly or refused without saying how to convert them.
#include <bitgauge/matrix/quantize.hpp>

#include <Eigen/SparseCore>

#include <vector>

using namespace bitgauge;

/// A matrix of a user's own.
struct derived_matrix : Eigen::MatrixXf {
  using Eigen::MatrixXf::MatrixXf;
};

void inputs(const Eigen::MatrixXcf& complex, const Eigen::MatrixXi& whole, const quantized_matrix& q) {
  const Eigen::SparseMatrix<float> sparse(32, 32);
  const std::vector<float> values(32);
  quantize(complex.real());
  quantize(whole.cast<float>());
  quantize(derived_matrix(2, 3));
  quantize(Eigen::Map<const Eigen::MatrixXf>(values.data(), 4, 8));
  const Eigen::MatrixXd back = q.dequantize().cast<double>();

  // error: take .real() and .imag() one by one
  quantize(complex);
  // error: convert with .cast<float>()
  quantize(whole);
  // error: write quantize(Eigen::MatrixXf(W), ...)
  quantize(sparse);
  // error: write quantize(Eigen::Map<const Eigen::MatrixXf>(w.data(), rows, cols), ...)
  quantize(values, affine<4>{});
  // error: found weights that are quantized already: write quantize(q.dequantize(), ...)
  quantize(q);
  // error: a dense matrix of Eigen's as its first argument
  quantize("affine");
  // error: dequantize into float, then .cast<>()
  q.dequantize<Eigen::MatrixXd>();
}
