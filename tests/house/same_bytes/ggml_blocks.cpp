/// ggml's blocks, whose encoders search: with ggml's steps and with our own.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf/quantize.hpp>

#include "../pseudo_random_matrix.hpp"
#include "check.hpp"

namespace {

const Eigen::MatrixXf W = house::pseudo_random_matrix(19, 512);

template <class Format>
void check(const char* name, Format format) {
  for (const bitgauge::effort level : {bitgauge::effort::reference, bitgauge::effort::fast})
    house::check(name, [&](int threads) {
      const auto q = bitgauge::quantize(W, format, level, bitgauge::options{.threads = threads});
      house::hash all;
      all.add(q.blocks());
      all.add(q.dequantize());
      return all.value();
    });
}

}  // namespace

int main() {
  using namespace bitgauge::gguf;
  check("q4_0", q4_0{});
  check("q5_0", q5_0{});
  check("q5_1", q5_1{});
  check("q8_0", q8_0{});
  check("q2_k", q2_k{});
  check("q3_k", q3_k{});
  check("q4_k", q4_k{});
  check("q5_k", q5_k{});
  check("q6_k", q6_k{});
  check("iq4_nl", iq4_nl{});
  check("iq4_xs", iq4_xs{});
  check("mxfp4", mxfp4{});
  check("nvfp4", nvfp4{});
}
