#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/training/learned/learned_step.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_learned_step {

using nlohmann::json;
using matrix = test::row_major<double>;

constexpr const char* topic = "training";

integer_grid grid_of(const json& params) {
  const int bits = params["bits"];
  return params["signed"] ? make_symmetric(bits, {.full = true}) : make_affine(bits);
}

template <class Scalar>
void expect_as_defined(const json& entry, double share) {
  SCOPED_TRACE(entry["name"].get<std::string>());
  const matrix x = test::load_matrix<double>(topic, entry["inputs"]["x"]),
               dy = test::load_matrix<double>(topic, entry["inputs"]["dy"]);
  const test::row_major<Scalar> input = x.cast<Scalar>();
  const learned_step f(grid_of(entry["params"]), per_tensor{}, input);
  const double start = entry["params"]["initial_step"], dstep = entry["outputs"]["dstep"];
  EXPECT_NEAR(static_cast<double>(f.step(0)), start, share * start);
  test::expect_near(f.forward(input).template cast<double>(),
                    test::load_matrix<double>(topic, entry["outputs"]["y"]), share);
  const auto gradients = f.backward(input, dy);
  test::expect_near(gradients.x.template cast<double>(),
                    test::load_matrix<double>(topic, entry["outputs"]["dx"]), share);
  EXPECT_NEAR(static_cast<double>(gradients.step(0)), dstep, 10 * share * std::fabs(dstep));
}

// Catches a start, a clamp behind the rounding, a bound or a factor that is not the paper's.
TEST(learned_step, is_that_of_the_paper) {
  for (const json& entry : test::cases_of(topic, "lsq")) {
    expect_as_defined<double>(entry, 1e-12);
    expect_as_defined<float>(entry, 1e-6);
  }
}

/// What a group of numbers contributes: the definition, element by element in double.
double step_gradient(const Eigen::MatrixXf& x, const Eigen::MatrixXf& dy, double s, double low, double high) {
  double sum = 0;
  for (index_t i = 0; i < x.size(); ++i) {
    const double v = static_cast<double>(x(i)) / s;
    sum += static_cast<double>(dy(i)) * (v < low ? low : v > high ? high : std::rint(v) - v);
  }
  return sum / std::sqrt(static_cast<double>(x.size()) * high);
}

// Catches gradients that are summed over the wrong elements or scaled by another count than that of the group, a
// start that is not the group's, storage orders, and a column vector that is not grouped along its length.
TEST(learned_step, sums_over_what_shares_a_step) {
  const Eigen::MatrixXf w = test::normal_matrix(6, 22, 1), dy = test::normal_matrix(6, 22, 2);
  const auto check = [&](granularity groups, index_t height, index_t width) {
    const learned_step f(symmetric<3>{}, groups, w);
    const auto gradients = f.backward(w, dy);
    const auto by_rows = f.backward(matrix(w.cast<double>()), dy);
    index_t g = 0;
    for (index_t r = 0; r < 6; r += height)
      for (index_t c = 0; c < 22; c += width, ++g) {
        const index_t columns = std::min<index_t>(width, 22 - c);
        const Eigen::MatrixXf part = w.block(r, c, height, columns), d = dy.block(r, c, height, columns);
        const double s = static_cast<double>(f.step(g)), expected = step_gradient(part, d, s, -3, 3);
        EXPECT_NEAR(s, 2 * part.cast<double>().cwiseAbs().mean() / std::sqrt(3.0), 1e-6);
        EXPECT_NEAR(static_cast<double>(gradients.step(g)), expected, 1e-5);
        EXPECT_NEAR(static_cast<double>(by_rows.step(g)), expected, 1e-5);
      }
    EXPECT_EQ(g, gradients.step.size());
    EXPECT_EQ(gradients.x, Eigen::MatrixXf(by_rows.x));
  };
  check(per_tensor{}, 6, 22);
  check(per_row{}, 1, 22);
  check(per_column{}, 6, 1);
  check(per_group{8}, 1, 8);
  const Eigen::VectorXf v = w.row(0), d = dy.row(0);
  const learned_step f(symmetric<3>{}, per_group{8}, v);
  const auto gradients = f.backward(v, d);
  ASSERT_EQ(gradients.step.size(), 3);
  EXPECT_NEAR(static_cast<double>(gradients.step(2)),
              step_gradient(v.tail(6), d.tail(6), static_cast<double>(f.step(2)), -3, 3), 1e-5);
}

// Catches weights that are exported as other numbers than those that were trained with.
TEST(learned_step, exports_what_it_computes) {
  const Eigen::MatrixXf w = test::normal_matrix(7, 40, 3);
  for (const integer_grid& grid :
       {make_symmetric(2), make_symmetric(4, {.full = true}), make_symmetric(8, {.unsigned_codes = true})}) {
    const learned_step f(grid, per_group{16}, w);
    EXPECT_EQ(f.forward(w), quantize(w, grid, per_group{16}, f.range()).dequantize());
  }
}

// Catches a gradient that does not lead to better steps: least squares of weights at 2 bits, from min-max, has to end
// at no more than half of its error.
TEST(learned_step, learns_a_better_step_than_min_max) {
  const Eigen::MatrixXf w = test::normal_matrix(32, 64, 4);
  const auto q = quantize(w, symmetric<2>{}, per_row{});
  learned_step<> f(symmetric<2>{}, per_row{});
  f.step = q.scales_as_matrix<Eigen::MatrixXf>();
  for (int step = 0; step < 400; ++step) f.step -= 0.2f * f.backward(w, f.forward(w) - w).step / 8;
  EXPECT_LE((f.forward(w) - w).squaredNorm(), 0.5f * (q.dequantize() - w).squaredNorm());
}

// Catches gradients of weights and steps that do not work together: a linear regression whose inputs are correlated, both
// learned at 2 bits from min-max, has to end at no more than half of the error that is there after quantizing.
TEST(learned_step, learns_a_regression_that_min_max_loses) {
  const Eigen::MatrixXf truth = test::normal_matrix(16, 32, 6), x = test::correlated_inputs(200, 32, 0.8f, 7);
  const Eigen::MatrixXf y = x * truth.transpose();
  const auto loss = [&](const Eigen::MatrixXf& w) {
    return (x * w.transpose() - y).squaredNorm() / y.squaredNorm();
  };
  const auto q = quantize(truth, symmetric<2>{}, per_row{});
  learned_step<> f(symmetric<2>{}, per_row{});
  f.step = q.scales_as_matrix<Eigen::MatrixXf>();
  Eigen::MatrixXf w = truth;
  for (int left = 400; left > 0; --left) {
    const Eigen::MatrixXf slope = (x * f.forward(w).transpose() - y).transpose() * x / 200;
    const auto g = f.backward(w, slope);
    w -= 1e-4f * static_cast<float>(left) * g.x;
    f.step -= 1e-4f * static_cast<float>(left) * g.step;
  }
  EXPECT_LE(loss(f.forward(w)), 0.5f * loss(q.dequantize()));
}

// Catches steps and gradients that are not looked at.
TEST(learned_step, refuses_what_is_no_step) {
  const Eigen::MatrixXf w = test::normal_matrix(3, 4, 5);
  learned_step f(symmetric<4>{}, per_row{}, w);
  Eigen::MatrixXf dy = w;
  dy(1, 3) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(test::failure_of<data_error>([&] { f.backward(w, dy); }),
            "learned_step: gradient: row 1, column 3: expected a finite value, found infinity");
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.backward(w, w.topRows(2)); }),
            "learned_step: gradient: expected 3 x 4, found 2 x 4");
  f.step(2) = 0;
  EXPECT_EQ(test::failure_of<data_error>([&] { f.forward(w); }),
            "learned_step: steps of group 2: expected a positive number, found 0.000000");
  f.step.resize(1);
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.backward(w, w); }),
            "learned_step: steps: expected 3 for the groups of 3 x 4, found 1");
  EXPECT_NE(test::failure_of<invalid_scheme>([] { learned_step<>(symmetric<1>{}); }).find("positive code"),
            std::string::npos);
}

}  // namespace test_of_learned_step
}  // namespace bitgauge
