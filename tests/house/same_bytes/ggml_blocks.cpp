/// ggml's blocks, of every type that has some: with ggml's steps, with our own searches, and by error
/// feedback.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf/quantize.hpp>

#include "../pseudo_random_matrix.hpp"
#include "check.hpp"

#include <string>

namespace {

using bitgauge::effort;

template <class Format, class... Extras>
void check(const std::string& name, const Eigen::MatrixXf& matrix, Format format, const Extras&... extras) {
  house::check(name.c_str(), [&](int threads) {
    const auto q = bitgauge::quantize(matrix, format, extras..., bitgauge::options{.threads = threads});
    house::hash all;
    all.add(q.blocks());
    all.add(q.dequantize());
    return all.value();
  });
}

}  // namespace

int main() {
  const Eigen::MatrixXf W = house::pseudo_random_matrix(19, 512), few = W.middleRows(1, 2).leftCols(256);
  for (const auto& traits : bitgauge::gguf::tensor_types) {
    if (traits.elements == 1) continue;
    const std::string name(traits.name);
    check(name + " best", few, traits.type, effort::best);
    check(name + " reference", W, traits.type, effort::reference);
    check(name + " fast", W, traits.type, effort::fast);
    check(name, W, traits.type);
  }
  check("q4_K by its name", W, bitgauge::gguf::q4_k{});
}
