#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/layer/linear.hpp>

#include "support/layer.hpp"
#include "support/near.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace {

using namespace bitgauge;
using bitgauge::index_t;
using test::relative;

/// Calls check(name, W, X, exact Y) for each real matrix, X made up and correlated.
void for_each_layer(const std::function<void(const std::string&, const Eigen::MatrixXf&,
                                             const Eigen::MatrixXf&, const Eigen::MatrixXd&)>& check) {
  const io::tensor_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  for (const auto& tensor : file.tensors()) {
    const Eigen::MatrixXf w = file.matrix(tensor);
    const Eigen::MatrixXf x = test::correlated_inputs(9, w.cols(), 0.9f, 3);
    check(tensor.name, w, x, x.cast<double>() * w.cast<double>().transpose());
  }
}

// Catches a product that loses more than its weights' codes do. Rows of one scale are off by half a hundredth
// to three, as their outliers are; groups of 32 stay within one.
TEST(real_weights, w8a16_is_within_a_hundredth) {
  for_each_layer([](const std::string& name, const auto& w, const auto& x, const Eigen::MatrixXd& exact) {
    for (const granularity groups : {granularity(per_row{}), granularity(per_group{32})}) {
      const auto q = quantize(w, affine<8>{}, groups);
      const Eigen::MatrixXd y = linear(q)(x).template cast<double>();
      EXPECT_LE(relative(y, x.template cast<double>() * q.dequantize().template cast<double>().transpose()),
                1e-5);
      EXPECT_LE(relative(y, exact), groups == granularity(per_row{}) ? 3e-2 : 1e-2) << name;
      EXPECT_LE((y - exact).squaredNorm() / exact.squaredNorm(), 1e-2) << name;
    }
  });
}

// Catches activations with another scale, zero point or rounding than their definition's, and int32 sums that
// are put together wrongly: beside codes from the definition, multiplied in double.
TEST(real_weights, w8a8_per_sample_is_its_scheme) {
  for_each_layer([](const std::string& name, const auto& w, const auto& x, const Eigen::MatrixXd& exact) {
    for (const integer_grid& grid : {make_affine(8), make_symmetric(8)}) {
      const auto q = quantize(w, symmetric<8>{});
      const auto codes = test::quantize_by_definition(x, grid, per_row{}, scale_type::f32);
      const Eigen::MatrixXd oracle =
          codes.values.template cast<double>() * q.dequantize().template cast<double>().transpose();
      const linear layer(q, {.activations = activation_quantizer::dynamic(per_row{}, grid)});
      const Eigen::MatrixXd y = layer(x).template cast<double>();
      EXPECT_LE(relative(y, oracle), 1e-5) << name;
      EXPECT_LE(relative(y, exact), 1.1 * relative(oracle, exact)) << name;
    }
  });
}

}  // namespace
