#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/training/learned/learned_affine.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_learned_affine {

using nlohmann::json;
using matrix = test::row_major<float>;

constexpr const char* topic = "fake_quantize";

matrix load(const json& file) {
  return test::load_matrix<float>(topic, file);
}

/// Within 1e-4 * max(1, |expected|), as the manifest has it.
template <class A, class B>
void expect_sums(const A& found, const B& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (index_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found(i), expected(i), 1e-4 * std::max(1.0, std::fabs(static_cast<double>(expected(i)))))
        << i;
}

template <class Scalar>
void expect_as_torch(const json& entry) {
  SCOPED_TRACE(entry["name"].get<std::string>());
  const json& p = entry["params"];
  integer_grid grid = make_affine(8, {.signed_codes = p["quant_min"] < 0});
  grid.lowest = p["quant_min"];
  grid.highest = p["quant_max"];
  const bool by_row = p.contains("axis");
  learned_affine<Scalar> f(grid, by_row ? granularity(per_row{}) : granularity(per_tensor{}));
  f.factor = p["grad_factor"];
  if (by_row) {
    f.scale = load(entry["inputs"]["scale"]).cast<Scalar>();
    f.zero_point = load(entry["inputs"]["zero_point"]).cast<Scalar>();
  } else {
    f.scale.setConstant(1, p["scale"]);
    f.zero_point.setConstant(1, p["zero_point"]);
  }
  const matrix x = load(entry["inputs"]["x"]), dy = load(entry["inputs"]["dy"]),
               y = load(entry["outputs"]["y"]);
  const test::row_major<Scalar> found = f.forward(x);
  for (index_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(found.data()[i], y.data()[i], std::fabs(y.data()[i]) * 0x1p-22f);
  const auto gradients = f.backward(Eigen::MatrixXf(x), dy);
  EXPECT_EQ(gradients.x, load(entry["outputs"]["dx"]).cast<Scalar>());
  expect_sums(gradients.scale.template cast<float>(), load(entry["outputs"]["dscale"]).reshaped());
  expect_sums(gradients.zero_point.template cast<float>(), load(entry["outputs"]["dzero_point"]).reshaped());
}

// Catches sums over the wrong channel, a zero point that is cut off instead of rounded (torch's own per-tensor
// kernel: the wrong_* of the vectors), and a factor that is left out.
TEST(learned_affine, values_and_gradients_of_torch) {
  for (const char* op : {"fake_quantize_learnable_per_tensor", "fake_quantize_learnable_per_channel"})
    for (const json& entry : test::cases_of(topic, op)) {
      expect_as_torch<float>(entry);
    }
}

// Catches a result that quantize() by range() does not give, in groups with a ragged tail, and gradients that are not
// the definition's, element by element in double.
TEST(learned_affine, exports_what_it_computes) {
  const Eigen::MatrixXf w = test::normal_matrix(5, 22, 1), dy = test::normal_matrix(5, 22, 2);
  learned_affine<> f(affine<3>{}, per_group{8});
  f.scale = test::normal_matrix(15, 1, 3).cwiseAbs() + Eigen::VectorXf::Constant(15, 0.05f);
  f.zero_point = test::normal_matrix(15, 1, 4) * 3.0f + Eigen::VectorXf::Constant(15, 3);
  EXPECT_EQ(f.forward(w), quantize(w, affine<3>{}, per_group{8}, f.range()).dequantize());
  const auto gradients = f.backward(w, dy);
  Eigen::VectorXd scale = Eigen::VectorXd::Zero(15), zero = scale;
  for (index_t r = 0; r < 5; ++r)
    for (index_t c = 0; c < 22; ++c) {
      const index_t g = r * 3 + c / 8;
      const double z = std::clamp(std::rint(static_cast<double>(f.zero_point(g))), 0.0, 7.0), s = f.scale(g);
      const double code = std::rint(w(r, c) / s) + z, d = dy(r, c);
      const bool inside = code >= 0 && code <= 7;
      EXPECT_EQ(gradients.x(r, c), inside ? dy(r, c) : 0.0f);
      scale(g) += d * (inside ? code - z - w(r, c) / s : code < 0 ? -z : 7 - z);
      if (!inside) zero(g) -= d * s;
    }
  expect_sums(gradients.scale, scale.cast<float>());
  expect_sums(gradients.zero_point, zero.cast<float>());
}

// Catches parameters that are not looked at.
TEST(learned_affine, refuses_parameters) {
  const Eigen::MatrixXf w = test::normal_matrix(3, 4, 6);
  learned_affine<> f(affine<4>{}, per_row{});
  f.scale.setConstant(2, 1);
  f.zero_point.setConstant(3, 1);
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.forward(w); }),
            "learned_affine: scales: expected 3 for the groups of 3 x 4, found 2");
  f.scale.setConstant(3, 1);
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.backward(w, w.topRows(2)); }),
            "learned_affine: gradient: expected 3 x 4, found 2 x 4");
  Eigen::MatrixXf dy = w;
  dy(2, 3) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { f.backward(w, dy); }),
            "learned_affine: gradient: row 2, column 3: expected a finite value, found NaN");
  f.scale(1) = -2;
  EXPECT_EQ(test::failure_of<data_error>([&] { f.forward(w); }),
            "learned_affine: scales of group 1: expected a positive number, found -2.000000");
  f.scale(1) = 2;
  f.zero_point(2) = std::numeric_limits<float>::infinity();
  EXPECT_NE(test::failure_of<data_error>([&] { f.backward(w, w); }).find("zero points of group 2"),
            std::string::npos);
  EXPECT_NE(test::failure_of<invalid_scheme>([] { learned_affine<>(symmetric<1>{}); }).find("positive code"),
            std::string::npos);
}

}  // namespace test_of_learned_affine
}  // namespace bitgauge
