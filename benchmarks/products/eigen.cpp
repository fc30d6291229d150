// peer/eigen/f32/...: a product of two float matrices, compiled for this processor as limits.cpp is.

// Under another name, since functions of one name compiled for several instruction sets would become one.
#define Eigen eigen_for_this_processor
#include "peaks.hpp"
#include "product.hpp"
#include "systems.hpp"

#include <Eigen/Core>

#include <memory>
#include <vector>

namespace bench {
namespace {

using weight_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

class float_weights {
 public:
  explicit float_weights(weight_shape shape)
      : copies_(copies_beyond_caches(4 * shape.size()),
                Eigen::Map<const weight_matrix>(normal_weights(shape), shape.rows, shape.cols)) {}

  void multiply(const product_call& call) {
    const weight_matrix& w = copies_[next_++ % copies_.size()];
    Eigen::setNbThreads(call.threads);
    if (call.samples == 1) {
      const Eigen::Map<const Eigen::VectorXf> x(call.x, w.cols());
      Eigen::Map<Eigen::VectorXf>(call.y, w.rows()).noalias() = w * x;
    } else {
      const Eigen::Map<const Eigen::MatrixXf> x(call.x, w.cols(), call.samples);
      Eigen::Map<Eigen::MatrixXf>(call.y, w.rows(), call.samples).noalias() = w * x;
    }
  }

 private:
  std::vector<weight_matrix> copies_;
  std::size_t next_ = 0;
};

}  // namespace

void register_eigen() {
  register_system({.name = "eigen",
                   .weights = "f32",
                   .precisions = {precision::exact},
                   .peak = [](precision, int threads) { return f32_peak(threads); },
                   .prepare = [](weight_shape shape) -> prepared_weights {
                     const auto weights = std::make_shared<float_weights>(shape);
                     return {4 * shape.size(), [=](const product_call& call) { weights->multiply(call); }};
                   }});
}

}  // namespace bench
