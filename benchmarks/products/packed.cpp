// gemv/<scheme>/<shape>/<precision>/threads:T and gemm/<scheme>/<shape>/m:M/<precision>/threads:T: packed weights.

#include <bitgauge/kernel/pack/pack_blocks.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "peaks.hpp"
#include "product.hpp"
#include "schemes.hpp"
#include "systems.hpp"

#include <Eigen/Core>

#include <memory>
#include <variant>
#include <vector>

namespace bench {
namespace {

using bitgauge::packed_weights;
using bitgauge::product_options;
using bitgauge::product_precision;

packed_weights pack(const quantized_weights& weights) {
  return std::visit([](const auto& q) { return packed_weights(q); }, weights);
}

/// Each packed by itself: copies of packed weights share their memory.
class packed_copies {
 public:
  explicit packed_copies(const quantized_weights& weights) : copies_{pack(weights)} {
    const std::size_t count = copies_beyond_caches(bytes());
    while (copies_.size() < count) copies_.push_back(pack(weights));
  }

  void multiply(const product_call& call) {
    const packed_weights& w = copies_[next_++ % copies_.size()];
    const product_options options{
        .precision = call.how == precision::exact ? product_precision::exact : product_precision::integer,
        .threads = call.threads};
    if (call.samples == 1) {
      const Eigen::Map<const Eigen::VectorXf> x(call.x, w.cols());
      w.multiply(x, Eigen::Map<Eigen::VectorXf>(call.y, w.rows()), options);
    } else {
      const Eigen::Map<const Eigen::MatrixXf> x(call.x, w.cols(), call.samples);
      w.multiply(x, Eigen::Map<Eigen::MatrixXf>(call.y, w.rows(), call.samples), options);
    }
  }

  double bytes() const { return static_cast<double>(copies_.front().bytes()); }

 private:
  std::vector<packed_weights> copies_;
  std::size_t next_ = 0;
};

/// The limit of the instructions in use, which BITGAUGE_ISA may have chosen.
double peak(precision how, int threads) {
  using namespace bitgauge::simd;
  const bool tiles = implies(selected(), instruction_set::amx);
  if (how == precision::exact) return tiles ? bf16_peak(threads) : f32_peak(threads);
  return tiles ? int8_peak(threads) : machine_arithmetic().int8_dot.with(threads);
}

}  // namespace

void register_packed() {
  for (const weight_scheme& scheme : weight_schemes())
    register_system({.name = "bitgauge",
                     .weights = scheme.name,
                     .precisions = {precision::exact, precision::integer},
                     .peak = peak,
                     .prepare = [quantize = scheme.quantize](weight_shape shape) -> prepared_weights {
                       const auto copies = std::make_shared<packed_copies>(quantize(shape));
                       return {copies->bytes(), [=](const product_call& call) { copies->multiply(call); }};
                     }});
}

}  // namespace bench
