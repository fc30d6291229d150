// expect: Bits >= 1
#include <bitgauge/bitgauge.hpp>

int main() {
#ifdef MISTAKE
  const bitgauge::affine<0> grid;
#else
  const bitgauge::affine<1> grid;
#endif
  return bitgauge::quantize(Eigen::MatrixXf::Ones(2, 3), grid).bits();
}
