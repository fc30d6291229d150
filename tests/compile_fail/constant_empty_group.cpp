// expect: invalid_scheme
#include <bitgauge/bitgauge.hpp>

int main() {
#ifdef MISTAKE
  constexpr bitgauge::granularity groups = bitgauge::per_group{0};
#else
  constexpr bitgauge::granularity groups = bitgauge::per_group{1};
#endif
  return bitgauge::quantize(Eigen::MatrixXf::Ones(2, 3), groups).bits();
}
