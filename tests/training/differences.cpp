// Gradients against central differences, on many shapes and in every granularity. What rounds is not differentiable: there
// the function is the one behind straight-through gradients, in which what rounding added to each element stays what it was
// at the point itself. It is written out here, in double, apart from the library but for that one number.

#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/training/adapters/lora.hpp>
#include <bitgauge/training/distillation.hpp>
#include <bitgauge/training/fake_quantize.hpp>
#include <bitgauge/training/learned/learned_affine.hpp>
#include <bitgauge/training/learned/learned_step.hpp>
#include <bitgauge/training/learned/learned_step_offset.hpp>
#include <bitgauge/training/learned/pact.hpp>

#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {
namespace test_of_differences {

using matrix = Eigen::MatrixXd;
using vector = Eigen::VectorXd;

matrix normal(index_t rows, index_t cols, unsigned seed) {
  return test::normal_matrix(rows, cols, seed).cast<double>();
}

/// Holds each element of `gradient` to the slope of `loss` along that of `moved`.
template <class Moved, class Gradient>
void expect_slopes(Moved& moved, const Gradient& gradient, const std::function<double()>& loss) {
  ASSERT_EQ(moved.size(), gradient.size());
  constexpr double h = 1e-6;
  for (index_t i = 0; i < moved.size(); ++i) {
    const double value = moved(i);
    moved(i) = value + h;
    const double above = loss();
    moved(i) = value - h;
    const double below = loss();
    moved(i) = value;
    const double slope = (above - below) / (2 * h);
    EXPECT_NEAR(static_cast<double>(gradient(i)), slope, 1e-6 * std::max(1.0, std::fabs(slope))) << i;
  }
}

/// Calls check(x, dy, groups, number of groups) for shapes up to 6 x 22 and all four granularities.
void for_each_case(
    const std::function<void(const matrix& x, const matrix& dy, granularity groups, index_t count)>& check) {
  unsigned seed = 0;
  for (const auto& [rows, cols] : std::vector<std::pair<index_t, index_t>>{{1, 1}, {1, 9}, {5, 1}, {6, 22}})
    for (const granularity& groups : {granularity(per_tensor{}), granularity(per_row{}),
                                      granularity(per_column{}), granularity(per_group{8})}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols) + ", granularity " +
                   std::to_string(static_cast<int>(groups.what)));
      seed += 2;
      check(normal(rows, cols, seed), normal(rows, cols, seed + 1), groups,
            grouping(groups, rows, cols).count());
    }
}

/// Sums of dy * value(element, its group).
double weighted_sum(const matrix& dy, granularity groups,
                    const std::function<double(index_t r, index_t c, index_t g)>& value) {
  const grouping all(groups, dy.rows(), dy.cols());
  double sum = 0;
  for (index_t r = 0; r < dy.rows(); ++r)
    for (index_t c = 0; c < dy.cols(); ++c) sum += dy(r, c) * value(r, c, all.group_of(r, c));
  return sum;
}

/// Positive, each its own.
vector positive(index_t count, unsigned seed) {
  return normal(count, 1, seed).cwiseAbs().array() * 0.2 + 0.15;
}

/// sqrt(N Q_P) of each group, by which the paper divides gradients.
vector divisors(const matrix& x, granularity groups, double highest) {
  const grouping all(groups, x.rows(), x.cols());
  vector sizes = vector::Zero(all.count());
  for (index_t r = 0; r < x.rows(); ++r)
    for (index_t c = 0; c < x.cols(); ++c) sizes(all.group_of(r, c)) += highest;
  return sizes.cwiseSqrt();
}

// Catches a gradient of a step that is summed over, or divided by the size of, another group than its own.
TEST(differences, learned_step) {
  for_each_case([](const matrix& given, const matrix& dy, granularity groups, index_t count) {
    matrix x = given;
    learned_step<double> f(symmetric<3>{}, groups);
    f.step = positive(count, 3);
    const matrix y = f.forward(x);
    matrix rounding(x.rows(), x.cols());
    const grouping all(groups, x.rows(), x.cols());
    const auto clamped = [&](index_t r, index_t c, index_t g) {
      return std::clamp(x(r, c) / f.step(g), -3.0, 3.0);
    };
    for (index_t r = 0; r < x.rows(); ++r)
      for (index_t c = 0; c < x.cols(); ++c) {
        const index_t g = all.group_of(r, c);
        rounding(r, c) = y(r, c) / f.step(g) - clamped(r, c, g);
      }
    const auto loss = [&] {
      return weighted_sum(dy, groups, [&](index_t r, index_t c, index_t g) {
        return f.step(g) * (clamped(r, c, g) + rounding(r, c));
      });
    };
    const auto gradients = f.backward(x, dy);
    expect_slopes(x, gradients.x, loss);
    expect_slopes(f.step, vector(gradients.step.cwiseProduct(divisors(x, groups, 3))), loss);
  });
}

// Catches the same of an offset.
TEST(differences, learned_step_offset) {
  for_each_case([](const matrix& given, const matrix& dy, granularity groups, index_t count) {
    matrix x = given;
    learned_step_offset<double> f(affine<3>{}, groups);
    f.step = positive(count, 3);
    f.offset = normal(count, 1, 5).array() * 0.3 - 0.8;
    const matrix y = f.forward(x);
    matrix rounding(x.rows(), x.cols());
    const grouping all(groups, x.rows(), x.cols());
    const auto clamped = [&](index_t r, index_t c, index_t g) {
      return std::clamp((x(r, c) - f.offset(g)) / f.step(g), 0.0, 7.0);
    };
    for (index_t r = 0; r < x.rows(); ++r)
      for (index_t c = 0; c < x.cols(); ++c) {
        const index_t g = all.group_of(r, c);
        rounding(r, c) = (y(r, c) - f.offset(g)) / f.step(g) - clamped(r, c, g);
      }
    const auto loss = [&] {
      return weighted_sum(dy, groups, [&](index_t r, index_t c, index_t g) {
        return f.step(g) * (clamped(r, c, g) + rounding(r, c)) + f.offset(g);
      });
    };
    const auto gradients = f.backward(x, dy);
    const vector by = divisors(x, groups, 7);
    expect_slopes(x, gradients.x, loss);
    expect_slopes(f.step, vector(gradients.step.cwiseProduct(by)), loss);
    expect_slopes(f.offset, vector(gradients.offset.cwiseProduct(by)), loss);
  });
}

// Catches the same of a zero point, whose rounding is straight through too. What is inside is told by the rounded code.
TEST(differences, learned_affine) {
  for_each_case([](const matrix& given, const matrix& dy, granularity groups, index_t count) {
    matrix x = given;
    learned_affine<double> f(affine<3>{}, groups);
    f.scale = positive(count, 3);
    f.zero_point = normal(count, 1, 5).cwiseAbs().array().min(2) + 2.2;
    const matrix y = f.forward(x);
    vector rounded = f.zero_point;
    for (double& z : rounded) z = std::rint(z);
    const vector added = rounded - f.zero_point;
    matrix inside(x.rows(), x.cols()), rounding = inside;
    const grouping all(groups, x.rows(), x.cols());
    for (index_t r = 0; r < x.rows(); ++r)
      for (index_t c = 0; c < x.cols(); ++c) {
        const index_t g = all.group_of(r, c);
        const double code = std::rint(x(r, c) / f.scale(g)) + rounded(g);
        inside(r, c) = code < 0 ? -1 : code > 7 ? 1 : 0;
        rounding(r, c) = y(r, c) / f.scale(g) - x(r, c) / f.scale(g);
      }
    const auto loss = [&] {
      return weighted_sum(dy, groups, [&](index_t r, index_t c, index_t g) {
        const double zero = f.zero_point(g) + added(g);
        if (inside(r, c) == 0) return x(r, c) + f.scale(g) * rounding(r, c);
        return f.scale(g) * ((inside(r, c) < 0 ? 0 : 7) - zero);
      });
    };
    const auto gradients = f.backward(x, dy);
    expect_slopes(x, gradients.x, loss);
    expect_slopes(f.scale, gradients.scale, loss);
    expect_slopes(f.zero_point, gradients.zero_point, loss);
  });
}

// Catches a clip whose gradient misses an activation, or passes one.
TEST(differences, pact) {
  for_each_case([](const matrix& given, const matrix& dy, granularity groups, index_t) {
    matrix x = given;
    basic_pact<double> f{3, 0.7};
    vector alpha = vector::Constant(1, f.alpha);
    const auto loss = [&] {
      return weighted_sum(dy, groups,
                          [&](index_t r, index_t c, index_t) { return std::clamp(x(r, c), 0.0, alpha(0)); });
    };
    const auto gradients = f.backward(x, dy);
    expect_slopes(x, gradients.x, loss);
    expect_slopes(alpha, vector::Constant(1, gradients.alpha), loss);
  });
}

// Catches a gradient that passes outside of what a group's codes represent, or is held back inside: of integers, whose ends
// reach half a step further, and of levels.
TEST(differences, fake_quantize) {
  for_each_case([](const matrix& given, const matrix& dy, granularity groups, index_t count) {
    const Eigen::VectorXf scales = positive(count, 3).cast<float>();
    const given_parameters fixed({scales.data(), scales.data() + count});
    const auto check = [&](const fake_quantize& f, double low, double high) {
      matrix x = given;
      const matrix gradient = f.backward(x, dy);
      expect_slopes(x, gradient, [&] {
        return weighted_sum(dy, groups, [&](index_t r, index_t c, index_t g) {
          const auto scale = static_cast<double>(scales(g));
          return std::clamp(x(r, c), low * scale, high * scale);
        });
      });
    };
    check(fake_quantize(symmetric<3>{}, groups, fixed), -3.5, 3.5);
    check(fake_quantize(symmetric<2>{{.full = true}}, groups, fixed), -2.5, 1.5);
    check(fake_quantize(nf4{}, groups, fixed), -1, 1);
  });
}

// Catches operands or factors that only some shapes, ranks and masks tell apart.
TEST(differences, lora) {
  unsigned seed = 0;
  for (const auto& [outputs, inputs, rank, samples] :
       std::vector<std::array<index_t, 4>>{{1, 1, 1, 1}, {4, 9, 3, 2}, {9, 4, 4, 5}, {3, 3, 1, 1}}) {
    seed += 7;
    const matrix w = normal(outputs, inputs, seed), dy = normal(samples, outputs, seed + 1),
                 mask = dropout_mask<double>(samples, inputs, 0.3, seed);
    matrix x = normal(samples, inputs, seed + 2);
    lora<double> l(normal(rank, inputs, seed + 3), normal(outputs, rank, seed + 4), 3);
    for (const matrix* dropout : {static_cast<const matrix*>(nullptr), &mask}) {
      const auto loss = [&] { return l.forward(x, w, dropout).cwiseProduct(dy).sum(); };
      const auto gradients = l.backward(x, w, dy, dropout);
      expect_slopes(l.A, gradients.A, loss);
      expect_slopes(l.B, gradients.B, loss);
      expect_slopes(x, gradients.X, loss);
    }
  }
}

// Catches a mean over another number than that of samples.
TEST(differences, distillation) {
  for (const auto& [samples, classes] :
       std::vector<std::pair<index_t, index_t>>{{1, 1}, {1, 6}, {7, 2}, {4, 11}})
    for (const double temperature : {0.4, 1.0, 3.0}) {
      matrix student = normal(samples, classes, 1);
      const matrix teacher = normal(samples, classes, 2);
      const distillation_options options{.temperature = temperature};
      expect_slopes(student, distill(student, teacher, options).student,
                    [&] { return distill(student, teacher, options).value; });
    }
}

}  // namespace test_of_differences
}  // namespace bitgauge
