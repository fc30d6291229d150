// expect: convert with .cast<float>()
#include <bitgauge/bitgauge.hpp>

int main() {
  const Eigen::MatrixXi W = Eigen::MatrixXi::Ones(2, 3);
#ifdef MISTAKE
  return bitgauge::quantize(W).bits();
#else
  return bitgauge::quantize(W.cast<float>()).bits();
#endif
}
