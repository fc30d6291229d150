#include <bitgauge/grid/integer.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/combine.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/transform.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <Eigen/Core>
#include <Eigen/LU>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>

namespace {

using namespace bitgauge;

Eigen::VectorXf factors(index_t n) {
  return Eigen::VectorXf::NullaryExpr(n, [](index_t i) { return 0.5f + 0.01f * static_cast<float>(i); });
}

// Catches transforms in the wrong order, on inputs, on weights or on the way back.
TEST(combine, is_the_product_of_matrices) {
  constexpr index_t n = 64;
  const rotation first(n, {.seed = 3});
  const channel_scaling second(factors(n));
  const Eigen::MatrixXd h = Eigen::MatrixXd::NullaryExpr(n, n, [](index_t i, index_t j) {
    return std::popcount(static_cast<std::uint64_t>(i & j)) % 2 == 0 ? 0.125 : -0.125;
  });
  const Eigen::MatrixXd rotate = h * first.signs().cast<double>().asDiagonal();
  const Eigen::MatrixXd scale = factors(n).cast<double>().cwiseInverse().asDiagonal();
  const row_matrix w = test::normal_matrix<row_matrix>(9, n, 1), x = test::normal_matrix<row_matrix>(5, n, 2);
  const auto check = [&](const auto& t, const Eigen::MatrixXd& matrix) {
    const transformed changed(w, t);
    const Eigen::MatrixXf inputs = changed.inputs(x), weights = changed.weights();
    EXPECT_LE((inputs.cast<double>() - x.cast<double>() * matrix.transpose()).norm(), 1e-4);
    EXPECT_LE((weights.cast<double>() - w.cast<double>() * matrix.inverse()).norm(), 1e-4);
    EXPECT_LE((changed.restore(changed.weights()) - w).norm(), 1e-4f);
    hessian of_inputs(n);
    of_inputs.accumulate(x);
    const Eigen::MatrixXd expected = matrix * of_inputs.matrix() * matrix.transpose();
    EXPECT_LE((changed.hessian_of(of_inputs).matrix() - expected).norm(), 1e-12 * expected.norm());
  };
  check(combine(first, second), scale * rotate);
  check(combine(second, first), rotate * scale);
  check(combine(combine(second, first), second), scale * rotate * scale);
  check(combine(first), rotate);
}

TEST(combine, refuses_transforms_of_other_widths) {
  EXPECT_EQ(test::message_of<shape_error>([] { combine(rotation(8), rotation(8), rotation(4)); }),
            "combine: transform 3: expected 8 inputs as the first has, found 4");
}

// Catches a Hessian that does not belong to the rotated inputs: GPTQ then makes the error of outputs larger, not
// smaller. Inputs are correlated, six channels twenty times as large.
TEST(combine, rotation_and_gptq_are_better_than_each_alone) {
  constexpr index_t n = 128;
  for (const unsigned seed : {1u, 2u, 3u}) {
    row_matrix w = test::normal_matrix<row_matrix>(48, n, seed);
    row_matrix x = test::normal_matrix<row_matrix>(512, n, seed + 10) +
                   0.5f * test::normal_matrix<row_matrix>(512, 8, seed + 20) *
                       test::normal_matrix<row_matrix>(8, n, seed + 30);
    for (index_t i = 0; i < 6; ++i) x.col((i * 37 + 11) % n) *= 20.0f;
    hessian h(n);
    h.accumulate(x);
    const transformed t(w, rotation(n, {.seed = seed}));
    const hessian changed = t.hessian_of(h);
    const row_matrix rotated = t.inputs(x);
    const auto codes = [](const row_matrix& m) { return quantize(m, symmetric<4>{}); };
    const auto fed_back = quantize(w, symmetric<4>{}, gptq{h});
    const auto both = quantize(t.weights(), symmetric<4>{}, gptq{changed});
    // of weights alone, and of weights and activations
    const double weights = measure_output_error(t.weights(), both, changed).relative();
    EXPECT_LE(weights, measure_output_error(w, fed_back, h).relative());
    EXPECT_LE(weights, measure_output_error(t.weights(), codes(t.weights()), changed).relative());
    const double all = measure_output_error(t.weights(), both, rotated, codes(rotated)).relative();
    EXPECT_LE(all, measure_output_error(w, fed_back, x, codes(x)).relative());
    EXPECT_LE(all, measure_output_error(t.weights(), codes(t.weights()), rotated, codes(rotated)).relative());
  }
}

}  // namespace
