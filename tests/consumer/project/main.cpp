#include <bitgauge/bitgauge.hpp>

#include <iostream>

int main() {
  const Eigen::MatrixXf W = Eigen::MatrixXf::Random(512, 512);  // out x in
  const auto q = bitgauge::quantize(W, bitgauge::affine<4>{}, bitgauge::per_group{128});
  const Eigen::MatrixXf back = q.dequantize();
  const Eigen::VectorXf y = q * Eigen::VectorXf::Ones(512);
  std::cout << q.bits_per_weight() << " bits per weight, SQNR " << bitgauge::measure_error(W, q).sqnr_db()
            << " dB, largest error " << (W - back).cwiseAbs().maxCoeff() << ", y(0) = " << y(0) << '\n';
}
