// expect: dequantize into float, then .cast<>()
#include <bitgauge/bitgauge.hpp>

int main() {
  const bitgauge::quantized_matrix q = bitgauge::quantize(Eigen::MatrixXf::Ones(2, 3));
#ifdef MISTAKE
  const Eigen::MatrixXd back = q.dequantize<Eigen::MatrixXd>();
#else
  const Eigen::MatrixXd back = q.dequantize().cast<double>();
#endif
  return static_cast<int>(back.rows());
}
