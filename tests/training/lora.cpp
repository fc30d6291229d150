#include <bitgauge/training/adapters/lora.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_lora {

using nlohmann::json;
using matrix = Eigen::MatrixXd;

constexpr const char* topic = "training";

matrix load(const json& file) {
  return test::load_matrix<double>(topic, file);
}
matrix normal(index_t rows, index_t cols, unsigned seed) {
  return test::normal_matrix(rows, cols, seed).cast<double>();
}

// Catches a scaling that is lost, doubled or of another power, and operands that are taken for their transposes.
TEST(lora, is_that_of_the_paper) {
  const auto check = [](const json& entry, const auto& scalar, double share) {
    using Scalar = std::remove_cvref_t<decltype(scalar)>;
    using plain = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
    const json &in = entry["inputs"], &out = entry["outputs"];
    const plain w = load(in["W"]).cast<Scalar>(), x = load(in["X"]).cast<Scalar>();
    const test::row_major<Scalar> dy = load(in["dY"]).cast<Scalar>();
    const lora<Scalar> l(load(in["A"]).cast<Scalar>(), load(in["B"]).cast<Scalar>(),
                         entry["params"]["alpha"]);
    test::expect_near(l.forward(x, w), load(out["Y"]), share);
    test::expect_near(l.forward(test::row_major<Scalar>(x), w), load(out["Y"]), share);
    const auto g = l.backward(x, w, dy);
    test::expect_near(g.A, load(out["dA"]), share);
    test::expect_near(g.B, load(out["dB"]), share);
    test::expect_near(g.X, load(out["dX"]), share);
  };
  for (const json& entry : test::cases_of(topic, "lora")) {
    check(entry, double{}, 1e-12);
    check(entry, float{}, 1e-5);
  }
}

// Catches a dropout that is left out of one of the gradients: central differences, of which a bilinear function has no
// error but rounding, with and without a mask.
TEST(lora, agrees_with_differences) {
  const matrix w = normal(5, 7, 1), x = normal(4, 7, 2), dy = normal(4, 5, 3),
               mask = dropout_mask<double>(4, 7, 0.4, 5);
  ASSERT_GT((mask.array() == 0).count(), 3);
  for (const matrix* dropout : {static_cast<const matrix*>(nullptr), &mask}) {
    lora<double> l(normal(3, 7, 6), normal(5, 3, 7), 12);
    matrix input = x;
    const auto g = l.backward(input, w, dy, dropout);
    const auto check = [&](matrix& moved, const matrix& gradient) {
      for (index_t i = 0; i < moved.size(); ++i) {
        const double value = moved(i), h = 1e-4;
        moved(i) = value + h;
        const double above = l.forward(input, w, dropout).cwiseProduct(dy).sum();
        moved(i) = value - h;
        const double below = l.forward(input, w, dropout).cwiseProduct(dy).sum();
        moved(i) = value;
        EXPECT_NEAR(gradient(i), (above - below) / (2 * h), 1e-8);
      }
    };
    check(l.A, g.A);
    check(l.B, g.B);
    check(input, g.X);
  }
}

// Catches a start that changes the layer, a merged weight that is another layer, and one that does not come back.
TEST(lora, merges_and_comes_back) {
  const Eigen::MatrixXf w = test::normal_matrix(12, 20, 1), x = test::normal_matrix(6, 20, 2);
  lora l(12, 20, {.rank = 4, .alpha = 8, .seed = 3});
  EXPECT_EQ(l.merged(w), w);
  EXPECT_GT(l.A.cwiseAbs().maxCoeff(), 0.9 / std::sqrt(20.0));
  EXPECT_LE(l.A.cwiseAbs().maxCoeff(), 1 / std::sqrt(20.0));
  EXPECT_NEAR(l.A.mean(), 0, 0.06);
  EXPECT_EQ(l.A, lora(12, 20, {.rank = 4, .seed = 3}).A);
  EXPECT_NE(l.A, lora(12, 20, {.rank = 4, .seed = 4}).A);
  l.B = test::normal_matrix(12, 4, 4);
  const Eigen::MatrixXf m = l.merged(w), y = x * m.transpose();
  EXPECT_LE((l.forward(x, w) - y).norm(), 1e-6f * y.norm());
  EXPECT_LE((l.unmerged(m) - w).norm(), 1e-6f * w.norm());
  EXPECT_EQ(l.bytes(), (12 + 20) * 4 * 4);
}

// Catches shapes, ranks and gradients that are not looked at.
TEST(lora, refuses_what_does_not_fit) {
  const Eigen::MatrixXf x = test::normal_matrix(3, 7, 1), w = test::normal_matrix(5, 7, 2);
  Eigen::MatrixXf dy = test::normal_matrix(3, 5, 3);
  const lora l(5, 7, {.rank = 2});
  for (const index_t rank : {0, 6})
    EXPECT_EQ(test::failure_of<invalid_scheme>([&] { lora(5, 7, {.rank = rank}); }),
              "lora: rank: expected 1 to 5 for 5 x 7 weights, found " + std::to_string(rank));
  EXPECT_EQ(test::failure_of<shape_error>([&] { l.forward(dy); }),
            "lora of 7 inputs and 5 outputs: expected samples as rows, found 3 x 5");
  EXPECT_EQ(test::failure_of<shape_error>([&] { l.forward(x, x); }),
            "lora: weights: expected 5 x 7, found 3 x 7");
  EXPECT_EQ(test::failure_of<shape_error>([&] { l.backward(x, w, x); }),
            "lora: gradient: expected 3 x 5, found 3 x 7");
  EXPECT_EQ(test::failure_of<shape_error>([&] { l.forward(x, &w); }),
            "lora: dropout: expected 3 x 7, found 5 x 7");
  EXPECT_EQ(test::failure_of<shape_error>([&] { lora<>(x.topRows(2), dy.leftCols(3), 8); }),
            "lora: B: expected 2 columns, the rows of A, found 3");
  dy(2, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { l.backward(x, w, dy); }),
            "lora: gradient: row 2, column 0: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<invalid_scheme>([] { dropout_mask(2, 2, 1, 0); }),
            "dropout: expected from 0 to below 1, found 1.000000");
}

}  // namespace test_of_lora
}  // namespace bitgauge
