// expect: bitgauge quantizes float, double, Eigen::half and Eigen::bfloat16
#include <bitgauge/bitgauge.hpp>

int main() {
  const Eigen::MatrixXcf W = Eigen::MatrixXcf::Ones(2, 3);
#ifdef MISTAKE
  return bitgauge::quantize(W).bits();
#else
  return bitgauge::quantize(W.real()).bits();
#endif
}
