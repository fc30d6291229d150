// Catches schemes that are wrong at compile time, and what stands beside a text and says nothing.
#include <bitgauge/model/quantize.hpp>

using namespace bitgauge;

void schemes(const Eigen::MatrixXf& W, const hessian& h) {
  quantize<scheme{.bits = 4, .groups = per_group{32}}>(W);
  quantize(W, "affine:bits=4,rounding=gptq", h, options{});

  // error: scheme: bits must be 1 to 8
  quantize<scheme{.bits = 9}>(W);
  // error: scheme: a group has at least 1 element
  quantize<scheme{.groups = {granularity::kind::group, 0}}>(W);
  // error: answers all questions. Beside it stand options, an importance, a hessian
  quantize(W, "affine:bits=4", per_group{32});
  // error: a number is no answer
  quantize(W, "affine", 4);
}
