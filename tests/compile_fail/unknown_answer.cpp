// expect: not an answer it knows
#include <bitgauge/bitgauge.hpp>

int main() {
  const Eigen::MatrixXf W = Eigen::MatrixXf::Ones(2, 3);
#ifdef MISTAKE
  return bitgauge::quantize(W, 4).bits();
#else
  return bitgauge::quantize(W, bitgauge::affine<4>{}).bits();
#endif
}
