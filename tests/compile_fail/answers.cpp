// Catches answers that are taken silently, or refused without saying what to write instead.
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>

using namespace bitgauge;

void answers(const Eigen::MatrixXf& W, const Eigen::VectorXf& v, const hessian& h) {
  constexpr scheme w4{.bits = 4};
  quantize(W, affine<4>{}, per_row{}, minmax_range{}, nearest_rounding{}, f16_scales, options{});
  quantize(W, mse_range{}, importance(v), gptq(h));
  quantize(W, w4, options{}, importance());
  quantize(W, gguf::q4_0{}, effort::fast, options{}, importance(v));
  quantize(W, gguf::q4_0{}, gptq(h));

  // error: two grids in one call
  // error: bitgauge::affine<4>
  // error: bitgauge::symmetric<8>
  quantize(W, affine<4>{}, per_row{}, symmetric<8>{});
  // error: two granularities in one call
  quantize(W, per_tensor{}, per_row{});
  // error: two ranges in one call
  quantize(W, minmax_range{}, mse_range{});
  // error: two roundings in one call
  quantize(W, gptq(h), nearest_rounding{});
  // error: two scale storages in one call
  quantize(W, f16_scales, double_quantized{});
  // error: two importances in one call
  quantize(W, importance(v), importance(v), mse_range{});
  // error: two options in one call
  quantize(W, options{}, options{});
  // error: two efforts in one call
  quantize(W, gguf::q4_0{}, effort::fast, effort::best);
  // error: an importance has no effect here
  quantize(W, importance(v));
  // error: an effort is no answer by itself
  quantize(W, effort::best);
  // error: a text is no answer beside others
  quantize(W, affine<4>{}, "group=128");
  // error: a Hessian is no answer
  quantize(W, h);
  // error: gptq_options are no answer
  quantize(W, gptq_options{});
  // error: A weight for each column is importance(numbers)
  quantize(W, mse_range{}, v);
  // error: a scheme answers all questions and comes right behind the matrix
  quantize(W, affine<4>{}, w4);
  // error: a ggml type comes right behind the matrix
  quantize(W, options{}, gguf::q4_0{});
  // error: not an answer it knows. Write affine<4>{} for bits, per_group{128} for groups
  quantize(W, 4);
  // error: Beside it stand options, an importance and calibration data only
  quantize(W, w4, per_row{});
  // error: a ggml type has its own numbers
  quantize(W, gguf::q4_0{}, affine<4>{});
  // error: a ggml type has blocks of its own
  quantize(W, gguf::q4_0{}, per_group{32});
  // error: leave the range out, write effort::best
  quantize(W, gguf::q4_0{}, mse_range{});
  // error: a ggml type rounds to nearest or by error feedback
  quantize(W, gguf::q4_0{}, stochastic_rounding{});
  // error: a ggml type has its own storage of scales
  quantize(W, gguf::q4_0{}, f16_scales);
}
