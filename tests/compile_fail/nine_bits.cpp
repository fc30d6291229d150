// expect: Bits <= 8
#include <bitgauge/bitgauge.hpp>

int main() {
#ifdef MISTAKE
  const bitgauge::symmetric<9> grid;
#else
  const bitgauge::symmetric<8> grid;
#endif
  return bitgauge::quantize(Eigen::MatrixXf::Ones(2, 3), grid).bits();
}
