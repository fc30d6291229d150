// The entries of README's "How do I ..." about pruning: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/matrix/pruned/prune.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix.hpp>
#include <bitgauge/metrics/output_error.hpp>

#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

namespace bg = bitgauge;

// Catches a mask of another share, bits that are not counted, and weights that make up for nothing.
TEST(how_do_i_pruning, prune_weights) {
  const Eigen::MatrixXf W = test::normal_matrix(32, 64, 1);
  const std::vector<Eigen::MatrixXf> batches{test::correlated_inputs(100, 64, 0.9f, 2),
                                             test::correlated_inputs(100, 64, 0.9f, 3)};
  // README: prune weights
  bg::hessian H(W.cols());
  for (const auto& X : batches) H.accumulate(X);  // samples x in
  const bg::sparse_gpt by{H, bg::n_of_m{2, 4}};   // or unstructured{0.5}
  const auto q = bg::prune_and_quantize(W, by, bg::affine<4>{}, bg::per_row{});
  const double bits = q.bits_per_weight();        // 0.75 of the mask, 2 of codes, and the parameters'
  const auto [weights, mask] = bg::prune(W, by);  // floats that make up for what is pruned
  const auto wanda = bg::wanda_mask(W, H, bg::n_of_m{2, 4});  // what to prune where the rest stays as it is
  Eigen::MatrixXf V = W;
  wanda.apply(V);
  // end
  EXPECT_EQ(bits, 0.75 + 2 + (4 + 0.5) * 8 / 64);
  EXPECT_EQ(q.mask().pruned(), W.size() / 2);
  EXPECT_EQ((weights.array() == 0).count(), mask.pruned());
  EXPECT_EQ((V.array() == 0).count(), W.size() / 2);
  EXPECT_LT(test::output_error(W, weights, H.matrix()), 0.5 * test::output_error(W, V, H.matrix()));
  EXPECT_LT(bg::measure_output_error(W, q, H).relative(), 0.1);
}

}  // namespace
