// The entries of README's "How do I ..." about GPTQ: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

namespace bg = bitgauge;

// Catches a Hessian that keeps the last batch alone, a rounding that is ignored (then outputs err as after
// nearest), and inputs that are never active but are not said to be.
TEST(how_do_i_feedback, gptq_with_a_streamed_hessian) {
  const Eigen::MatrixXf W = test::random_matrix(32, 64, 1);
  std::vector<Eigen::MatrixXf> batches;
  for (unsigned seed : {2u, 3u, 4u}) {
    Eigen::MatrixXf X = test::random_matrix(100, 64, seed);
    for (Eigen::Index j = 1; j < 64; ++j) X.col(j) = 0.9f * X.col(j - 1) + 0.44f * X.col(j);
    X.col(5).setZero();
    batches.push_back(X);
  }
  // README: round by GPTQ
  bg::hessian H(W.cols());
  for (const auto& X : batches) H.accumulate(X);  // samples x in, as many as come; only H is kept
  bg::gptq_report report;
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{32}, bg::gptq{H, {.report = &report}});
  const double gain = report.nearest_error / report.error;  // how many times smaller the outputs' error is
  const auto& dead = report.dead_columns;                   // inputs that were 0 in all batches
  // end
  EXPECT_EQ(H.samples(), 300);
  EXPECT_GT(gain, 1.5);
  EXPECT_EQ(dead, std::vector<bg::index_t>{5});
}

}  // namespace
