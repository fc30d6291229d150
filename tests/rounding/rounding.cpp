#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>

#include "support/codes.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

static_assert(neighbour_rounding<stochastic_rounding>);
static_assert(!neighbour_rounding<nearest_rounding> && !neighbour_rounding<int>);

/// Towards zero: a user's own rounding.
struct truncation {
  bool up(float, float, float upper, index_t, index_t) const { return upper <= 0; }
};
/// What the default does on a symmetric grid, said with neighbours.
struct nearest_even_by_neighbours {
  bool up(float value, float lower, float upper, index_t, index_t) const {
    const double below = static_cast<double>(value) - static_cast<double>(lower),
                 above = static_cast<double>(upper) - static_cast<double>(value);
    return below > above || (below == above && std::fmod(lower, 2.0f) != 0);
  }
};
static_assert(neighbour_rounding<truncation> && neighbour_rounding<nearest_even_by_neighbours>);

// Catches neighbours that are not the two levels around a value, or a position that is not the element's.
TEST(rounding, a_users_rounding_sees_the_neighbours) {
  const Eigen::RowVectorXf x{{-2.7f, -1.0f, -0.2f, 0.0f, 0.9f, 1.5f, 7.0f, 100.0f, -100.0f}};
  const auto q = quantize(x, symmetric<4>{}, per_tensor{}, given_parameters({1}), truncation{});
  EXPECT_EQ(test::code_list(q), (std::vector<int>{-2, -1, 0, 0, 0, 1, 7, 7, -7}));
}

// Catches another code than nearest's by the general path, for every symmetric grid and run length.
TEST(rounding, neighbours_can_say_nearest) {
  const Eigen::MatrixXf x = test::random_matrix(7, 40, 9);
  for (const integer_grid& grid : test::all_integer_grids())
    if (!grid.has_zero_point && grid.center == 0 && !grid.is_sign_only()) {
      EXPECT_EQ(quantize(x, grid, per_group{7}),
                quantize(x, grid, per_group{7}, nearest_even_by_neighbours{}));
    }
}

struct position_rounding {
  index_t row, col;
  bool up(float, float, float, index_t r, index_t c) const { return r == row && c == col; }
};

// Catches positions that count from the start of a run or panel.
TEST(rounding, positions_are_those_of_the_matrix) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Constant(20, 13, 0.5f);
  for (const granularity groups : {granularity(per_row{}), granularity(per_group{4}),
                                   granularity(per_column{}), granularity(per_tensor{})}) {
    const auto q = quantize(x, affine<4>{}, groups, given_parameters({1}), position_rounding{18, 11});
    const Eigen::MatrixXi codes = test::codes_of(q);
    EXPECT_EQ(codes.sum(), 1);
    EXPECT_EQ(codes(18, 11), 1);
  }
}

// Catches a bias: the mean of n draws of a value f between two codes is f with standard deviation
// sqrt(f (1-f) / n); five of them are allowed.
TEST(rounding, stochastic_is_unbiased) {
  constexpr index_t n = 40000;
  for (const float value : {0.0f, 0.1f, 0.25f, 0.5f, 0.9f, 1.0f, -3.3f, -6.75f}) {
    const Eigen::MatrixXf x = Eigen::MatrixXf::Constant(100, n / 100, value);
    for (const std::uint64_t seed : {0u, 1u, 12345u}) {
      const Eigen::MatrixXi codes = test::codes_of(
          quantize(x, symmetric<4>{}, per_tensor{}, given_parameters({1}), stochastic_rounding{seed}));
      const double part = static_cast<double>(value) - std::floor(static_cast<double>(value));
      const double deviation = std::sqrt(part * (1 - part) / static_cast<double>(n));
      EXPECT_NEAR(codes.cast<double>().mean(), value, 5 * deviation) << seed;
      EXPECT_GE(codes.minCoeff(), std::floor(value));
      EXPECT_LE(codes.maxCoeff(), std::ceil(value));
    }
  }
}

// Catches draws that are correlated along rows or columns, or do not depend on the seed.
TEST(rounding, stochastic_draws_are_independent) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Constant(200, 200, 0.5f);
  const auto draw = [&](std::uint64_t seed) {
    return Eigen::MatrixXd(test::codes_of(quantize(x, affine<4>{}, per_tensor{}, given_parameters({1}),
                                                   stochastic_rounding{seed}))
                               .cast<double>()
                               .array() -
                           0.5);
  };
  const Eigen::MatrixXd a = draw(1), b = draw(2);
  constexpr double bound = 5 * 0.25 / 200;  // five standard deviations of a mean of +-1/4
  EXPECT_LT(std::fabs(a.cwiseProduct(b).mean()), bound);
  EXPECT_LT(std::fabs(a.leftCols(199).cwiseProduct(a.rightCols(199)).mean()), bound);
  EXPECT_LT(std::fabs(a.topRows(199).cwiseProduct(a.bottomRows(199)).mean()), bound);
  EXPECT_LT(std::fabs(a.cwiseProduct(a.transpose()).mean() - 0.25 / 200), bound * 1.5);
  EXPECT_TRUE((a.array() != 0).all());
}

// Catches a grid's unused code (the smallest of a restricted range) being given out.
TEST(rounding, restricted_codes_stay_unused) {
  const Eigen::MatrixXf x = -test::random_matrix(10, 50, 3).cwiseAbs();
  const Eigen::MatrixXi codes =
      test::codes_of(quantize(x, symmetric<3>{}, fixed_range{{-0.01f, 0.01f}}, stochastic_rounding{1}));
  EXPECT_EQ(codes.minCoeff(), -3);
}

}  // namespace
