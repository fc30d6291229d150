// expect: two grids in one call
// expect: bitgauge::affine<4>
// expect: bitgauge::symmetric<8>
// expect: two granularities in one call
// expect: two ranges in one call
// expect: two roundings in one call
// expect: two scale storages in one call
// expect: two importances in one call
// expect: two options in one call
// expect: two efforts in one call
// expect: an importance has no effect here
// expect: an effort is no answer by itself
// expect: a text is no answer beside others
// expect: a Hessian is no answer
// expect: gptq_options are no answer
// expect: A weight for each column is importance(numbers)
// expect: a scheme answers all questions and comes right behind the matrix
// expect: a ggml type comes right behind the matrix
// expect: not an answer it knows. Write affine<4>{} for bits, per_group{128} for groups
// expect: Beside it stand options, an importance and calibration data only
// expect: a ggml type has its own numbers
// expect: a ggml type has blocks of its own
// expect: leave the range out, write effort::best
// expect: a ggml type rounds to nearest or by error feedback
// expect: a ggml type has its own storage of scales
#include <bitgauge/bitgauge.hpp>

using namespace bitgauge;

int main() {
  const Eigen::MatrixXf W = Eigen::MatrixXf::Ones(2, 32);
  hessian h(32);
  h.accumulate(W);
  constexpr scheme w4{.bits = 4};
  const Eigen::VectorXf v = Eigen::VectorXf::Ones(32);
#ifdef MISTAKE
  quantize(W, affine<4>{}, per_row{}, symmetric<8>{});
  quantize(W, per_tensor{}, per_row{});
  quantize(W, minmax_range{}, mse_range{});
  quantize(W, gptq(h), nearest_rounding{});
  quantize(W, f16_scales, double_quantized{});
  quantize(W, importance(v), importance(v), mse_range{});
  quantize(W, options{}, options{});
  quantize(W, gguf::q4_0{}, effort::fast, effort::best);
  quantize(W, importance(v));
  quantize(W, effort::best);
  quantize(W, affine<4>{}, "group=128");
  quantize(W, h);
  quantize(W, gptq_options{});
  quantize(W, mse_range{}, v);
  quantize(W, affine<4>{}, w4);
  quantize(W, options{}, gguf::q4_0{});
  quantize(W, 4);
  quantize(W, w4, per_row{});
  quantize(W, gguf::q4_0{}, affine<4>{});
  quantize(W, gguf::q4_0{}, per_group{32});
  quantize(W, gguf::q4_0{}, mse_range{});
  quantize(W, gguf::q4_0{}, stochastic_rounding{});
  quantize(W, gguf::q4_0{}, f16_scales);
#else
  quantize(W, affine<4>{}, per_row{}, minmax_range{}, nearest_rounding{}, f16_scales, options{});
  quantize(W, mse_range{}, importance(v), gptq(h));
  quantize(W, w4, options{}, importance());
  quantize(W, gguf::q4_0{}, effort::fast, options{}, importance(v));
  quantize(W, gguf::q4_0{}, gptq(h));
#endif
}
