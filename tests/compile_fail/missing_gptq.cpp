// Catches calibration data that need a header which is not included, answered by a page about an incomplete type.
#include <bitgauge/matrix/scheme/recipe.hpp>

using namespace bitgauge;

void calibrated(const Eigen::MatrixXf& W, const scheme& s, const hessian& h) {
  quantize(W, s);

  // error: rounding=gptq needs #include <bitgauge/rounding/gptq.hpp>
  quantize(W, s, {.hessian = &h});
}
