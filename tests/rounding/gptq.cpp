#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/rounding/feedback/factor.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/codes.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace {

namespace bg = bitgauge;
using Eigen::Index;

bg::hessian correlated_hessian(Index inputs, float rho, unsigned seed, Index samples = 200) {
  bg::hessian h(inputs);
  h.accumulate(test::correlated_inputs(samples, inputs, rho, seed));
  return h;
}

/// Optimal brain surgery as it is defined: after each column the Hessian of the columns still free is
/// inverted anew, and their weights move by -error / inverse(0, 0) * inverse(0, :). Affine codes, min-max
/// ranges from the up-to-date weights where a group begins.
Eigen::MatrixXi surgery(Eigen::MatrixXd w, Eigen::MatrixXd h, Index group, int bits) {
  h.diagonal().array() += 0.01 * h.diagonal().mean();
  Eigen::MatrixXi codes(w.rows(), w.cols());
  const float steps = static_cast<float>((1 << bits) - 1);
  for (Index r = 0; r < w.rows(); ++r) {
    float scale = 0, zero_point = 0;
    for (Index c = 0; c < w.cols(); ++c) {
      const Index free = w.cols() - c;
      if (c % group == 0) {
        const auto run = w.row(r).segment(c, std::min(group, free)).cast<float>();
        const float low = std::min(0.0f, run.minCoeff()), high = std::max(0.0f, run.maxCoeff());
        scale = (high - low) / steps;
        zero_point = -std::nearbyint(low / scale);
      }
      const float units = static_cast<float>(w(r, c)) * (1 / scale);
      const float code = std::clamp(std::nearbyint(units) + zero_point, 0.0f, steps);
      codes(r, c) = static_cast<int>(code);
      const Eigen::MatrixXd inverse = h.bottomRightCorner(free, free).inverse();
      const double error = (w(r, c) - static_cast<double>(scale * (code - zero_point))) / inverse(0, 0);
      w.row(r).tail(free) -= error * inverse.row(0);
    }
  }
  return codes;
}

// Catches any error in the factor, in the feedback within and between blocks, in the up-to-date weights that
// groups see (groups of 8, 12 and 40 against blocks of 16) and in tails. Codes must be equal, every one.
TEST(gptq, equals_surgery_with_an_inverse_a_column) {
  const Eigen::MatrixXf w = test::normal_matrix(6, 44, 1);
  const bg::hessian h = correlated_hessian(44, 0.8f, 2);
  for (const Index group : {8, 12, 40, 44}) {
    const auto q = bg::quantize(w, bg::affine<3>{}, bg::per_group{group},
                                bg::gptq(h, {.batch = 16, .effort = bg::effort::fast}));
    EXPECT_EQ(test::codes_of(q), surgery(w.cast<double>(), h.matrix(), group, 3)) << "groups of " << group;
  }
}

// Catches an order of columns that is not undone, or ties in it that are not broken by column.
TEST(gptq, act_order_is_a_permutation) {
  const Eigen::MatrixXf w = test::normal_matrix(5, 40, 3);
  const bg::hessian h = correlated_hessian(40, 0.7f, 4);
  const auto order = bg::detail::falling_diagonal(h.matrix());
  const auto permuted_h = bg::hessian::from_matrix(h.matrix()(order, order));
  const Eigen::MatrixXf permuted_w = w(Eigen::all, order);
  const bg::gptq_options by_diagonal{.act_order = true};
  const Eigen::MatrixXi codes = test::codes_of(bg::quantize(w, bg::affine<4>{}, bg::gptq(h, by_diagonal)));
  const Eigen::MatrixXi permuted = codes(Eigen::all, order);
  EXPECT_EQ(permuted, test::codes_of(bg::quantize(permuted_w, bg::affine<4>{}, bg::gptq(permuted_h))));
  EXPECT_EQ(permuted,
            test::codes_of(bg::quantize(permuted_w, bg::affine<4>{}, bg::gptq(permuted_h, by_diagonal))));
  EXPECT_EQ(permuted, surgery(permuted_w.cast<double>(), permuted_h.matrix(), 40, 4));
}

// Catches feedback where there is nothing to feed: uncorrelated inputs, whatever their sizes, leave every bit
// as rounding to nearest has it.
TEST(gptq, without_correlation_is_nearest) {
  const Eigen::MatrixXf w = test::normal_matrix(9, 70, 5);
  Eigen::MatrixXd diagonal = Eigen::MatrixXd::Identity(70, 70);
  const auto identity = bg::hessian::from_matrix(diagonal);
  for (Index c = 0; c < 70; ++c) diagonal(c, c) = 1 + static_cast<double>(c * c % 17);
  const auto uneven = bg::hessian::from_matrix(diagonal);
  for (int bits = 1; bits <= 8; ++bits) {
    for (const bg::integer_grid& grid : {bg::make_affine(bits), bg::make_symmetric(bits)}) {
      const auto nearest = bg::quantize(w, grid, bg::per_group{32});
      for (const bg::hessian* h : {&identity, &uneven})
        for (const bool act_order : {false, true})
          EXPECT_EQ(bg::quantize(w, grid, bg::per_group{32}, bg::gptq(*h, {.act_order = act_order})),
                    nearest);
    }
  }
}

// Catches feedback of the wrong size where no reference tells: for AR(1) inputs of 128 columns and a step
// small enough that errors are spread evenly, nearest leaves step^2/12 * trace(H) and feedback step^2/12 *
// the sum of squared pivots, 1 - rho^2 for all columns but the last, which has 1 (H = R R^T from the end).
TEST(gptq, gains_what_theory_says) {
  constexpr Index n = 128;
  const Eigen::MatrixXf w = 4 * test::normal_matrix(1200, n, 6);
  const bg::given_parameters step({0.3f}, {128});
  for (const auto& [rho, published] : {std::pair{0.5, 1.327}, {0.9, 5.064}, {0.99, 36.6}}) {
    const Eigen::MatrixXd h = Eigen::MatrixXd::NullaryExpr(
        n, n, [rho = rho](Index i, Index j) { return std::pow(rho, static_cast<double>(std::abs(i - j))); });
    const double ratio = n / (1 + (n - 1) * (1 - rho * rho));
    ASSERT_NEAR(ratio / published, 1, 0.01);
    bg::gptq_report report;
    const auto covariance = bg::hessian::from_matrix(h);
    bg::quantize(w, bg::affine<8>{}, step, bg::gptq(covariance, {.damping = 0, .report = &report}));
    EXPECT_NEAR(report.nearest_error / report.gptq_error, ratio, 0.02 * ratio);
    EXPECT_NEAR(report.gptq_error, report.predicted_error, 0.02 * report.predicted_error);
    EXPECT_NEAR(report.nearest_error, 1200 * 0.09 / 12 * n, 0.02 * 1200 * 0.09 / 12 * n);
  }
}

// Catches a report that does not say what was done: errors are those of the matrices themselves.
TEST(gptq, reports_its_errors) {
  const Eigen::MatrixXf w = test::normal_matrix(20, 64, 7);
  const bg::hessian h = correlated_hessian(64, 0.9f, 8);
  bg::gptq_report report;
  const auto q = bg::quantize(w, bg::affine<3>{}, bg::per_group{16}, bg::gptq(h, {.report = &report}));
  const auto nearest = bg::quantize(w, bg::affine<3>{}, bg::per_group{16});
  const double error = test::output_error(w, q.dequantize(), h.matrix());
  EXPECT_NEAR(report.gptq_error, error, 1e-9 * error);
  EXPECT_EQ(report.error, report.gptq_error);
  EXPECT_NEAR(report.nearest_error, test::output_error(w, nearest.dequantize(), h.matrix()),
              1e-9 * report.nearest_error);
  EXPECT_NEAR(report.energy, test::output_error(w, Eigen::MatrixXf::Zero(20, 64), h.matrix()),
              1e-9 * report.energy);
  EXPECT_LT(report.gptq_error, 0.5 * report.nearest_error);
  EXPECT_NEAR(report.damping, 0.01 * h.diagonal().mean(), 1e-12 * report.damping);
  EXPECT_EQ(report.damping_raised, 0);
  EXPECT_TRUE(report.dead_columns.empty());
}

// Catches a precision that is not the one asked for, and sums in float that lose what they measure.
TEST(gptq, works_in_the_precision_asked_for) {
  const Eigen::MatrixXf w = test::normal_matrix(20, 64, 18);
  const bg::hessian h = correlated_hessian(64, 0.9f, 19);
  static_assert(std::is_same_v<decltype(bg::gptq(h)), bg::gptq<double>>);
  bg::gptq_report in_float, in_double;
  const auto q = bg::quantize(w, bg::affine<3>{}, bg::gptq<float>(h, {.report = &in_float}));
  bg::quantize(w, bg::affine<3>{}, bg::gptq(h, {.report = &in_double}));
  const double error = test::output_error(w, q.dequantize(), h.matrix());
  EXPECT_NE(in_float.energy, in_double.energy);
  EXPECT_NEAR(in_float.gptq_error, error, 1e-5 * error);
  EXPECT_NEAR(in_float.energy, in_double.energy, 1e-5 * in_double.energy);
  EXPECT_NEAR(in_float.nearest_error, in_double.nearest_error, 1e-5 * in_double.nearest_error);
  EXPECT_NEAR(in_float.gptq_error, in_double.gptq_error, 0.02 * in_double.gptq_error);
  EXPECT_NEAR(in_float.predicted_error, in_double.predicted_error, 1e-3 * in_double.predicted_error);
}

// Catches a factorisation that gives up, or codes of NaN: 10 samples of 48 inputs, and none of the damping
// asked for. The damping is raised and the report says so.
TEST(gptq, raises_damping_where_samples_are_few) {
  const Eigen::MatrixXf w = test::normal_matrix(8, 48, 9);
  const bg::hessian h = correlated_hessian(48, 0.5f, 10, 10);
  bg::gptq_report report;
  bg::quantize(w, bg::affine<4>{}, bg::gptq(h, {.damping = 0, .report = &report}));
  EXPECT_GT(report.damping_raised, 0);
  EXPECT_GT(report.damping, 0);
  EXPECT_LT(report.gptq_error, report.nearest_error);
}

// Catches dead inputs that break the factorisation, keep a weight, widen the range of their group, or are not
// reported.
TEST(gptq, dead_inputs_get_zero) {
  Eigen::MatrixXf w = test::normal_matrix(4, 32, 11);
  Eigen::MatrixXf x = test::correlated_inputs(100, 32, 0.6f, 12);
  x.col(3).setZero();
  x.col(31).setZero();
  w.col(31).setConstant(1000);
  bg::hessian h(32);
  h.accumulate(x);
  for (const bool act_order : {false, true}) {
    bg::gptq_report report;
    const auto q = bg::quantize(w, bg::affine<4>{}, bg::per_group{8},
                                bg::gptq(h, {.act_order = act_order, .report = &report}));
    EXPECT_EQ(report.dead_columns, (std::vector<Index>{3, 31}));
    const Eigen::MatrixXf real = q.dequantize();
    EXPECT_EQ(real.col(3), Eigen::VectorXf::Zero(4));
    EXPECT_EQ(real.col(31), Eigen::VectorXf::Zero(4));
    EXPECT_LT(q.scale(3), 1);
  }
}

// Catches work that is divided differently over more threads.
TEST(gptq, does_not_depend_on_threads) {
  const Eigen::MatrixXf w = test::normal_matrix(150, 300, 13);
  const bg::hessian h = correlated_hessian(300, 0.9f, 14, 400);
  for (const bool act_order : {false, true}) {
    const bg::gptq rounding(h, {.act_order = act_order});
    const auto one = bg::quantize(w, bg::affine<4>{}, bg::per_group{64}, rounding, bg::options{.threads = 1});
    for (const int threads : {2, 3})
      EXPECT_EQ(
          bg::quantize(w, bg::affine<4>{}, bg::per_group{64}, rounding, bg::options{.threads = threads}),
          one);
  }
}

// Catches activations whose squares leave the range of float: columns from 1e-19 to 1e19 in one layer,
// against surgery with their exact Hessian.
TEST(gptq, inputs_of_every_size) {
  const Eigen::MatrixXf w = test::normal_matrix(6, 40, 20);
  Eigen::MatrixXf x = test::correlated_inputs(200, 40, 0.9f, 21);
  for (Index c = 0; c < 40; ++c) x.col(c) *= std::pow(10.0f, static_cast<float>(c * 16 % 39 - 19));
  const Eigen::MatrixXd exact = x.cast<double>().transpose() * x.cast<double>();
  bg::hessian h(40);
  h.accumulate(x);
  EXPECT_EQ(test::codes_of(bg::quantize(w, bg::affine<4>{}, bg::gptq(h))),
            surgery(w.cast<double>(), exact, 40, 4));
  for (const double damping : {0.0, 0.01}) {
    bg::gptq_report report;
    bg::quantize(w, bg::affine<4>{}, bg::gptq<float>(h, {.damping = damping, .report = &report}));
    EXPECT_TRUE(report.error > 0 && report.error <= report.nearest_error && std::isfinite(report.energy));
  }
}

// Catches rounding that a single sample breaks: with one direction seen, feedback leaves next to no error in
// it.
TEST(gptq, one_sample_is_enough) {
  const Eigen::MatrixXf w = test::normal_matrix(8, 48, 24);
  const bg::hessian h = correlated_hessian(48, 0.5f, 25, 1);
  bg::gptq_report report;
  const auto q =
      bg::quantize(w, bg::affine<4>{}, bg::gptq(h, {.effort = bg::effort::best, .report = &report}));
  EXPECT_LT(report.gptq_error, 0.2 * report.nearest_error);
  EXPECT_LT(test::output_error(w, q.dequantize(), h.matrix()), 0.2 * report.nearest_error);
}

// Catches a calibration that is missing or of another layer and goes unnoticed.
TEST(gptq, rejects_what_it_cannot_use) {
  using test::message_of;
  const Eigen::MatrixXf w = test::normal_matrix(2, 8, 15);
  const bg::hessian empty(8), narrow = correlated_hessian(6, 0.5f, 16),
                              fits = correlated_hessian(8, 0.5f, 17);
  EXPECT_EQ(
      message_of<bg::data_error>([&] { bg::quantize(w, bg::affine<4>{}, bg::gptq(empty)); }),
      "gptq: the Hessian is zero: expected activations from at least one sample (accumulate some, or ask for "
      "nearest rounding)");
  EXPECT_EQ(message_of<bg::shape_error>([&] { bg::quantize(w, bg::affine<4>{}, bg::gptq(narrow)); }),
            "gptq: expected a Hessian of 8 inputs, one for each column of the matrix, found 6");
  EXPECT_EQ(message_of<bg::invalid_scheme>([&] { bg::gptq(fits, {.damping = -1}); }),
            "gptq: damping: expected a fraction of the mean diagonal from 0 up, found -1.000000");
  EXPECT_EQ(message_of<bg::invalid_scheme>([&] { bg::gptq(fits, {.batch = 0}); }),
            "gptq: batch: expected at least 1 column, found 0");
  Eigen::Matrix3d indefinite;
  indefinite << 1, 9, 0, 9, 1, 0, 0, 0, 1;
  const auto impossible = bg::hessian::from_matrix(indefinite);
  EXPECT_EQ(message_of<bg::data_error>([&] {
              bg::quantize(w.leftCols(3), bg::affine<4>{}, bg::gptq(impossible, {.damping = 1e-6}));
            }),
            "no error");  // ten times the mean diagonal suffices here
  indefinite(0, 1) = indefinite(1, 0) = 90;
  const auto hopeless = bg::hessian::from_matrix(indefinite);
  EXPECT_EQ(
      message_of<bg::data_error>([&] { bg::quantize(w.leftCols(3), bg::affine<4>{}, bg::gptq(hopeless)); }),
      "gptq: the Hessian cannot be factored with 10.000000 of its mean diagonal added: expected a positive "
      "semidefinite matrix");
}

}  // namespace
