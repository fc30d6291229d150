// Catches products that do not exist and are refused without saying what to write instead.
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/kernel/product/operand.hpp>
#include <bitgauge/kernel/reference.hpp>

#include <Eigen/SparseCore>

#include <vector>

using namespace bitgauge;

/// A matrix of a user's own.
struct derived_matrix : Eigen::MatrixXf {
  using Eigen::MatrixXf::MatrixXf;
};

void operands(const quantized_matrix& q, const gguf::block_matrix& blocks, const Eigen::VectorXf& x) {
  const Eigen::SparseMatrix<float> sparse(32, 32);
  const std::vector<float> values(32);
  const Eigen::VectorXf y = q * x, z = blocks * x, w = q * x.cast<int>();
  const Eigen::MatrixXf several = blocks * derived_matrix(32, 3);

  // error: found an array: write q * x.matrix()
  q* x.array();
  // error: write q * Eigen::MatrixXf(x)
  blocks* sparse;
  // error: write q * Eigen::Map<const Eigen::VectorXf>(x.data(), x.size())
  blocks* values;
  // error: found quantized weights: write q * x.dequantize()
  q* q;
  // error: q * x takes a matrix or vector of Eigen's
  q * 2.0f;
  // error: q * x takes real numbers
  q* Eigen::VectorXcf::Ones(32);
  // error: the quantized matrix stands on the left
  x.transpose() * q;
  // error: the quantized matrix stands on the left
  2.0f * blocks;
}
