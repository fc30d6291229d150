#include <bitgauge/layer/activation.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/transform/auto_alpha.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace bitgauge {
namespace {

/// A layer with six inputs of twenty times the size.
struct outlier_layer {
  Eigen::MatrixXf w = test::normal_matrix(24, 64, 1), x = test::correlated_inputs(200, 64, 0.6f, 2);
  activation_stats stats{64};
  hessian h{64};

  outlier_layer() {
    for (const index_t j : {3, 20, 41, 47, 48, 60}) x.col(j) *= 20;
    stats.observe(x);
    h.accumulate(x);
  }

  /// The error of the outputs themselves, activations quantized or not.
  double true_error(const channel_scaling& s, int bits, const activation_noise* activations) const {
    const transformed t(w, s);
    const row_matrix inputs = t.inputs(x);
    const auto q = quantize(t.weights(), make_symmetric(bits));
    const Eigen::MatrixXd y = x.cast<double>() * w.cast<double>().transpose();
    Eigen::MatrixXf a = inputs;
    if (activations != nullptr)
      a = activation_quantizer::dynamic(activations->groups, activations->grid)(inputs).dequantize();
    return (a.cast<double>() * q.dequantize().cast<double>().transpose() - y).squaredNorm();
  }
};

// Catches a criterion that leaves out what quantized inputs lose, or weighs it wrongly, and factors that are
// not those of the alpha reported: beside the best of all candidates by the outputs themselves.
TEST(auto_alpha, is_near_the_best_for_the_outputs) {
  const outlier_layer l;
  const activation_noise tokens{per_row{}, make_symmetric(8)}, tensor{per_tensor{}, make_affine(8)};
  for (const activation_noise* noise : {&tokens, &tensor, static_cast<const activation_noise*>(nullptr)})
    for (const int bits : {4, 8}) {
      smooth_quant_report report;
      auto_alpha search{.report = &report};
      search.activations.reset();
      if (noise != nullptr) search.activations = *noise;
      const auto s = smooth_quant(l.w, l.stats, search, l.h, make_symmetric(bits));
      double best = l.true_error(channel_scaling(Eigen::VectorXf::Ones(64)), bits, noise);
      EXPECT_NEAR(report.identity_error / best, 1, 0.15);
      ASSERT_EQ(report.candidates.size(), 21u);
      for (const auto& candidate : report.candidates) {
        const channel_scaling factors = smooth_factors(l.stats, column_maxima(l.w), candidate.alpha);
        best = std::min(best, l.true_error(factors, bits, noise));
        if (report.alpha == candidate.alpha) {
          EXPECT_EQ(s.transform().factors(), factors.factors());
        }
      }
      EXPECT_LE(l.true_error(s.transform(), bits, noise), 1.05 * best);
    }
}

// Catches a search that always smooths. Columns of W reach 1, so alpha 0 changes nothing; half of the inputs
// have one spike, which other alphas pay for with the range of all weights although it hardly counts.
TEST(auto_alpha, no_smoothing_is_a_candidate) {
  Eigen::MatrixXf w = test::normal_matrix(24, 64, 1).cwiseMax(-1).cwiseMin(1),
                  x = test::normal_matrix(200, 64, 5);
  activation_stats stats(64);
  hessian h(64);
  for (index_t j = 0; j < 64; ++j) {
    w(j % 24, j) = 1;
    if (j % 2 == 0) x(j, j) = 12;
  }
  stats.observe(x);
  h.accumulate(x);
  smooth_quant_report report;
  const auto s = smooth_quant(
      w, stats, auto_alpha{.steps = 4, .activations = std::nullopt, .report = &report}, h, symmetric<4>{});
  EXPECT_FALSE(report.alpha.has_value());
  EXPECT_EQ(report.error, report.identity_error);
  EXPECT_EQ(report.candidates.front().error, report.identity_error);
  EXPECT_GT(report.candidates.back().error, 2 * report.identity_error);
  EXPECT_EQ(s.transform().factors(), Eigen::VectorXf::Ones(64));
  EXPECT_EQ(s.weights(), w);
}

// Catches a choice that hangs on a factor common to all of the Hessian, a Hessian of the original inputs handed
// to GPTQ, and a function that is not asked for what it makes.
TEST(auto_alpha, takes_a_function_and_any_scale_of_the_hessian) {
  const outlier_layer l;
  smooth_quant_report report, scaled;
  const auto by_gptq = [](const row_matrix& w, const hessian& h) {
    return quantize(w, symmetric<4>{}, gptq{h});
  };
  const auto s = smooth_quant(l.w, l.stats, auto_alpha{.steps = 4, .report = &report}, l.h, by_gptq);
  const auto t = smooth_quant(l.w, l.stats, auto_alpha{.steps = 4, .report = &scaled},
                              hessian::from_matrix(l.h.matrix() / 1024, 0), by_gptq);
  EXPECT_EQ(report.alpha, scaled.alpha);
  EXPECT_NEAR(scaled.error * 1024, report.error, 1e-6 * report.error);
  smooth_quant_report nearest;
  smooth_quant(l.w, l.stats, auto_alpha{.steps = 4, .report = &nearest}, l.h, symmetric<4>{});
  EXPECT_LT(report.error, 0.9 * nearest.error);
}

// Catches division by zero: an input of zeros, one sample, fewer samples than inputs.
TEST(auto_alpha, degenerate_samples_are_defined) {
  outlier_layer l;
  l.x.col(5).setZero();
  for (const index_t samples : {1, 20}) {
    activation_stats stats(64);
    hessian h(64);
    stats.observe(l.x.topRows(samples));
    h.accumulate(l.x.topRows(samples));
    smooth_quant_report report;
    const auto s = smooth_quant(l.w, stats, auto_alpha{.steps = 2, .report = &report}, h, symmetric<8>{});
    EXPECT_LE(report.error, report.identity_error);
    EXPECT_TRUE(s.weights().allFinite());
  }
}

TEST(auto_alpha, wrong_use_is_named) {
  const outlier_layer l;
  EXPECT_EQ(test::message_of<shape_error>(
                [&] { smooth_quant(l.w, l.stats, auto_alpha{}, hessian(3), symmetric<8>{}); }),
            "smooth_quant: expected statistics and a Hessian of 64 inputs, found 64 and 3");
  EXPECT_EQ(test::message_of<invalid_scheme>(
                [&] { smooth_quant(l.w, l.stats, auto_alpha{.steps = 0}, l.h, symmetric<8>{}); }),
            "smooth_quant: expected at least 1 step, found 0");
}

}  // namespace
}  // namespace bitgauge
