/// Compiled with -fno-exceptions. Would catch a `throw` or `try` outside the macros that guard them, and an
/// error that does not reach the handler.

#include <bitgauge/bitgauge.hpp>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main() {
  Eigen::MatrixXf W = Eigen::MatrixXf::Constant(3, 4, 0.5f);
  if (bitgauge::quantize(W, bitgauge::affine<4>{}).dequantize() != W) return 1;

  W(1, 2) = std::bit_cast<float>(0x7fc00000u);
  // README: handle errors without exceptions
  bitgauge::on_error = [](const char* message) {  // must not return; the default prints and aborts
    std::puts(message);
    std::exit(std::strstr(message, "row 1, column 2 is NaN") != nullptr ? 0 : 2);
  };
  bitgauge::quantize(W, bitgauge::affine<4>{});
  // end
  return 3;
}
