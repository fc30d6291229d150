/// Schemes: every grid with every granularity, searching ranges, rounded scales.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/grid/small_float.hpp>

#include "../pseudo_random_matrix.hpp"
#include "check.hpp"

namespace {

using namespace bitgauge;

const Eigen::MatrixXf W = house::pseudo_random_matrix(67, 259);

template <class... Answers>
void check(const char* name, const Answers&... answers) {
  house::check(name, [&](int threads) {
    const quantized_matrix q = quantize(W, answers..., options{.threads = threads});
    return house::hash_of(q, threads);
  });
}

}  // namespace

int main() {
  for (const char* text : {"affine",
                           "affine:bits=1,group=32",
                           "affine:bits=2,group=64,signed=1",
                           "affine:bits=3,group=tensor",
                           "affine:bits=4,group=128",
                           "affine:bits=5,group=column,scale=bf16",
                           "affine:bits=8,torch=1",
                           "affine:bits=4,rounding=stochastic,seed=7",
                           "symmetric:bits=1,group=64",
                           "symmetric:bits=3,group=tensor,scale=f16",
                           "symmetric:bits=4,group=32,scale=f16",
                           "symmetric:bits=6,group=column",
                           "symmetric:bits=8,unsigned=1",
                           "symmetric:bits=8,torch=1",
                           "nf4",
                           "fp4",
                           "normal_float:bits=3",
                           "normal_float:signed=1",
                           "normal_float:bits=2,signed=1,group=32,scale=bf16",
                           "lookup",
                           "lookup:bits=3,group=64,scale=f16,levels=int8",
                           "nf4:double=64",
                           "nf4:range=mse,double=64",
                           "nf4:range=mse,effort=best",
                           "dynamic8",
                           "dynamic8:range=mse,effort=fast",
                           "mxfp4",
                           "mxfp4:range=mse",
                           "mxfp6_e3m2",
                           "mxfp8_e5m2",
                           "mxint8",
                           "mxint8:range=mse",
                           "nvfp4",
                           "nvfp4:range=mse",
                           "nvfp4:scale=e4m3_divided",
                           "fp6_e2m3:group=32,range=mse",
                           "fp8_e4m3:group=128,range=mse,scale=bf16",
                           "fp8_e5m2_fnuz:rounding=stochastic,seed=3"})
    check(text, parse_scheme(text));
  check("fp8_e4m3", fp8_e4m3{}, per_row{});
}
