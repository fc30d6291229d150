/// Error feedback by a Hessian.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "../pseudo_random_matrix.hpp"
#include "check.hpp"

namespace {

const Eigen::MatrixXf W = house::pseudo_random_matrix(9, 96), X = house::pseudo_random_matrix(128, 96);

void check(const char* text, const bitgauge::hessian& h) {
  house::check(text, [&](int threads) {
    const bitgauge::scheme scheme = bitgauge::parse_scheme(text);
    const bitgauge::quantized_matrix q =
        bitgauge::quantize(W, scheme, {.hessian = &h}, bitgauge::options{.threads = threads});
    return house::hash_of(q, threads);
  });
}

}  // namespace

int main() {
  bitgauge::hessian h(W.cols());
  h.accumulate(X);
  check("affine:bits=4,group=32,rounding=gptq", h);
  check("symmetric:bits=3,group=32,rounding=gptq,act_order=1,effort=best", h);
  check("nf4:group=32,rounding=gptq", h);
}
