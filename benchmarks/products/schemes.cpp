#include "schemes.hpp"

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf/quantize.hpp>

#include <Eigen/Core>

namespace bench {
namespace {

auto matrix_of(weight_shape shape) {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const matrix>(normal_weights(shape), shape.rows, shape.cols);
}

using namespace bitgauge;

template <class Grid>
quantized_weights by_row(weight_shape shape) {
  return bitgauge::quantize(matrix_of(shape), Grid{}, per_row{});
}

template <class Grid, int Size>
quantized_weights by_group(weight_shape shape) {
  return bitgauge::quantize(matrix_of(shape), Grid{}, per_group{Size}, f16_scales);
}

/// As fast as may be: products take as long whatever the codes are.
template <class Format>
quantized_weights in_blocks(weight_shape shape) {
  return bitgauge::quantize(matrix_of(shape), Format{}, effort::fast);
}

}  // namespace

const std::vector<weight_scheme>& weight_schemes() {
  static const std::vector<weight_scheme> all{
      {"symmetric8", by_row<symmetric<8>>},
      {"affine4_g32", by_group<affine<4>, 32>},
      {"affine4_g128", by_group<affine<4>, 128>},
      {"symmetric4_g32", by_group<symmetric<4>, 32>},
      {"nf4_b64", by_group<nf4, 64>},
      {"q8_0", in_blocks<gguf::q8_0>},
      {"q4_0", in_blocks<gguf::q4_0>},
      {"q4_k", in_blocks<gguf::q4_k>},
      {"q6_k", in_blocks<gguf::q6_k>},
      {"iq4_xs", in_blocks<gguf::iq4_xs>},
      {"mxfp4", in_blocks<gguf::mxfp4>},
  };
  return all;
}

}  // namespace bench
