// expect: found an array: write q * x.matrix()
// expect: write q * Eigen::MatrixXf(x)
// expect: write q * Eigen::Map<const Eigen::VectorXf>(x.data(), x.size())
// expect: found quantized weights: write q * x.dequantize()
// expect: q * x takes a matrix or vector of Eigen's
// expect: q * x takes real numbers
// expect: the quantized matrix stands on the left
// expect: write quantize(Eigen::MatrixXf(W), ...)
// expect: write quantize(Eigen::Map<const Eigen::MatrixXf>(w.data(), rows, cols), ...)
// expect: found weights that are quantized already: write quantize(q.dequantize(), ...)
// expect: a dense matrix of Eigen's as its first argument
#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf.hpp>

#include <Eigen/SparseCore>

/// A matrix of a user's own.
struct derived_matrix : Eigen::MatrixXf {
  using Eigen::MatrixXf::MatrixXf;
};

int main() {
  const auto q = bitgauge::quantize(Eigen::MatrixXf::Ones(2, 32));
  const bitgauge::gguf::block_matrix blocks = bitgauge::quantize(q.dequantize(), bitgauge::gguf::q4_0{});
  const Eigen::VectorXf x = Eigen::VectorXf::Ones(32);
  const Eigen::SparseMatrix<float> sparse(32, 32);
  const std::vector<float> values(32);
#ifdef MISTAKE
  q* x.array();
  blocks* sparse;
  blocks* values;
  q* q;
  q * 2.0f;
  q* Eigen::VectorXcf::Ones(32);
  x.transpose() * q;
  2.0f * blocks;
  bitgauge::quantize(sparse);
  bitgauge::quantize(values, bitgauge::gguf::q4_0{});
  bitgauge::quantize(blocks);
  bitgauge::quantize("affine");
#else
  const Eigen::VectorXf y = q * x, z = blocks * x, w = q * x.cast<int>();
  const Eigen::MatrixXf several = blocks * derived_matrix(32, 3);
  bitgauge::quantize(derived_matrix(2, 3));
  bitgauge::quantize(Eigen::Map<const Eigen::MatrixXf>(values.data(), 4, 8));
#endif
}
