#include <bitgauge/training/learned/learned_step_offset.hpp>

#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_learned_step_offset {

using matrix = Eigen::MatrixXd;

// Catches a value or a gradient that is not the definition's, element by element, in every granularity, on a grid
// that counts from zero and one that does not.
TEST(learned_step_offset, is_that_of_the_paper) {
  const matrix x = test::normal_matrix(6, 22, 1).cast<double>(),
               dy = test::normal_matrix(6, 22, 2).cast<double>();
  const auto check = [&](const integer_grid& grid, granularity groups, index_t height, index_t width) {
    const double low = grid.lowest, high = grid.highest;
    learned_step_offset f(grid, groups, x);
    f.step *= 0.6;  // so that some elements are clipped
    f.offset.array() += 0.1;
    const matrix y = f.forward(x);
    const auto gradients = f.backward(x, dy);
    index_t g = 0;
    for (index_t r = 0; r < 6; r += height)
      for (index_t c = 0; c < 22; c += width, ++g) {
        double step = 0, offset = 0, count = 0;
        for (index_t i = r; i < r + height; ++i)
          for (index_t j = c; j < std::min<index_t>(22, c + width); ++j, ++count) {
            const double v = (x(i, j) - f.offset(g)) / f.step(g);
            const bool inside = v >= low && v <= high;
            EXPECT_DOUBLE_EQ(y(i, j), std::rint(std::min(std::max(v, low), high)) * f.step(g) + f.offset(g));
            EXPECT_EQ(gradients.x(i, j), inside ? dy(i, j) : 0.0);
            step += dy(i, j) * (inside ? std::rint(v) - v : v < low ? low : high);
            offset += inside ? 0 : dy(i, j);
          }
        EXPECT_NEAR(gradients.step(g), step / std::sqrt(count * high), 1e-12);
        EXPECT_NEAR(gradients.offset(g), offset / std::sqrt(count * high), 1e-12);
      }
    EXPECT_EQ(g, f.step.size());
  };
  check(make_affine(3), per_tensor{}, 6, 22);
  check(make_affine(3), per_row{}, 1, 22);
  check(make_symmetric(3), per_column{}, 6, 1);
  check(make_symmetric(2), per_group{8}, 1, 8);
}

// Catches gradients with a wrong sign. Where no element changes its code, and none comes to a bound, y is linear in s
// and b: central differences are exact there, and the straight-through part of them is taken out by hand.
TEST(learned_step_offset, agrees_with_differences_outside) {
  matrix x(1, 4);
  x << -9, 9, 12, -20;  // all of them clipped: y = bound * s + b
  learned_step_offset<double> f(affine<3>{});
  f.step.setConstant(1, 0.5);
  f.offset.setConstant(1, -1);
  const matrix dy = test::normal_matrix(1, 4, 3).cast<double>();
  const auto gradients = f.backward(x, dy);
  const double h = 1e-6, scale = std::sqrt(4.0 * 7);
  const auto loss = [&](double step, double offset) {
    learned_step_offset<double> moved = f;
    moved.step(0) += step;
    moved.offset(0) += offset;
    return moved.forward(x).cwiseProduct(dy).sum();
  };
  EXPECT_NEAR(gradients.step(0) * scale, (loss(h, 0) - loss(-h, 0)) / (2 * h), 1e-7);
  EXPECT_NEAR(gradients.offset(0) * scale, (loss(0, h) - loss(0, -h)) / (2 * h), 1e-7);
}

// Catches a start that clips, or that does not reach both ends of the codes.
TEST(learned_step_offset, starts_with_the_extent) {
  const Eigen::MatrixXf x = test::normal_matrix(5, 30, 4).array() + 3;
  const learned_step_offset f(affine<4>{}, per_row{}, x);
  const Eigen::MatrixXf y = f.forward(x);
  for (index_t r = 0; r < 5; ++r) {
    EXPECT_NEAR(y.row(r).minCoeff(), x.row(r).minCoeff(), 1e-5f);
    EXPECT_NEAR(y.row(r).maxCoeff(), x.row(r).maxCoeff(), 1e-5f);
    EXPECT_NEAR(f.step(r), (x.row(r).maxCoeff() - x.row(r).minCoeff()) / 15, 1e-5f);
  }
  const learned_step_offset flat(affine<4>{}, per_tensor{}, Eigen::MatrixXf::Constant(2, 2, 7));
  EXPECT_EQ(flat.forward(Eigen::MatrixXf::Constant(2, 2, 7)), Eigen::MatrixXf::Constant(2, 2, 7));
}

// Catches parameters and gradients that are not looked at.
TEST(learned_step_offset, refuses_what_is_no_parameter) {
  const Eigen::MatrixXf x = test::normal_matrix(3, 4, 5);
  learned_step_offset f(affine<4>{}, per_row{}, x);
  Eigen::MatrixXf dy = x;
  dy(0, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { f.backward(x, dy); }),
            "learned_step_offset: gradient: row 0, column 0: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.backward(x, x.leftCols(3)); }),
            "learned_step_offset: gradient: expected 3 x 4, found 3 x 3");
  f.offset(1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(test::failure_of<data_error>([&] { f.forward(x); }).find("offsets of group 1"),
            std::string::npos);
  f.offset.resize(2);
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.forward(x); }),
            "learned_step_offset: offsets: expected 3 for the groups of 3 x 4, found 2");
}

}  // namespace test_of_learned_step_offset
}  // namespace bitgauge
