#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/mse.hpp>

#include "support/codes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>

// Answers of a user's own, each a type of a few lines, together with all of the library's.
namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// 0 and +-2^-6 .. +-2^0 in 4 bits: bit 3 is the sign, the others 0 or the exponent from -6 on.
struct powers_of_two {
  int bits() const { return 4; }
  float level(int field) const {
    const float magnitude = field % 8 == 0 ? 0.0f : std::ldexp(1.0f, field % 8 - 7);
    return field < 8 ? magnitude : -magnitude;
  }
  int nearest(float value) const {
    int best = 0;
    for (int field = 1; field < 16; ++field)
      if (std::fabs(level(field) - value) < std::fabs(level(best) - value)) best = field;
    return best;
  }
  float scale_for(interval range) const { return range.magnitude(); }
};
/// The range of three quarters of the largest magnitude.
struct three_quarters {
  interval operator()(std::span<const float> values) const {
    float largest = 0;
    for (const float v : values) largest = std::max(largest, std::fabs(v));
    return {-0.75f * largest, 0.75f * largest};
  }
};
/// Away from zero.
struct outward {
  bool up(float, float lower, float, index_t, index_t) const { return lower >= 0; }
};

static_assert(plain_grid<powers_of_two> && grid<powers_of_two> && !integer_grid_like<powers_of_two>);
static_assert(!range<powers_of_two> && !neighbour_rounding<powers_of_two>);
static_assert(range<three_quarters> && !grid<three_quarters> && !neighbour_rounding<three_quarters>);
static_assert(neighbour_rounding<outward> && !grid<outward> && !range<outward>);

struct grid_without_levels {
  int bits() const;
  int nearest(float) const;
  float scale_for(interval) const;
};
struct rounding_without_position {
  bool up(float, float, float) const;
};
static_assert(!grid<grid_without_levels> && !neighbour_rounding<rounding_without_position>);

constexpr granularity recipe_granularities[] = {per_tensor{}, per_row{}, per_column{}, per_group{5}};
constexpr scale_storage recipe_storages[] = {f32_scales, f16_scales, bf16_scales};
const Eigen::MatrixXf x = test::random_matrix(18, 21, 2);

// Catches a grid of the user's that is encoded or decoded by other levels than its own.
TEST(recipe, a_users_grid) {
  const auto q = quantize(Eigen::RowVectorXf{{0, 1, -0.5f, 0.3f, 0.76f, -0.01f, 0.25f}}, powers_of_two{});
  EXPECT_EQ(q.dequantize(), (Eigen::MatrixXf{{0, 1, -0.5f, 0.25f, 1, -0.015625f, 0.25f}}));
  EXPECT_EQ(q.encoding().levels.size(), 16u);
  EXPECT_EQ(q.encoding().levels[15], -1);
  EXPECT_EQ(q.code(0, 2), 14);
  EXPECT_TRUE(q.zero_points().empty());
}

// Catches a pair of answers that does not go together: every grid with every range, rounding, granularity and
// storage, the user's own included, judged by the definition: no element is farther than a level from what
// its neighbours allow.
TEST(recipe, every_answer_combines_with_any_other) {
  const auto check = [](const auto& grid, double bound) {
    for (const granularity groups : recipe_granularities)
      for (const scale_storage storage : recipe_storages) {
        const auto judge = [&](const quantized_matrix& q, bool clips) {
          const Eigen::MatrixXf back = q.dequantize(1);
          for (index_t r = 0; r < x.rows(); ++r)
            for (index_t c = 0; c < x.cols(); ++c) {
              const double scale = static_cast<double>(q.scale(q.groups().group_of(r, c)));
              const double error = std::fabs(static_cast<double>(back(r, c)) - static_cast<double>(x(r, c)));
              const double clipped = clips ? std::fabs(static_cast<double>(x(r, c))) * 0.26 : 0;
              ASSERT_LE(error, bound * scale + clipped) << r << ", " << c;
            }
        };
        const options serial{.threads = 1};
        judge(quantize(x, grid, groups, storage, serial), false);
        judge(quantize(x, serial, storage, absmax_range{}, groups, grid, stochastic_rounding{3}), false);
        judge(quantize(x, outward{}, grid, groups, storage, serial), false);
        judge(quantize(x, grid, groups, storage, three_quarters{}, serial), true);
        judge(quantize(x, three_quarters{}, grid, groups, storage, outward{}, serial), true);
      }
  };
  check(affine<4>{}, 1.2);  // a step, and bfloat16's 15/256
  check(affine<8>{{.signed_codes = true}}, 2.1);
  check(symmetric<3>{}, 1.1);
  check(symmetric<8>{{.full = true, .unsigned_codes = true}}, 1.6);
  check(powers_of_two{}, 0.51);
}

// Catches weights of one matrix used for another that lies below it: the oracle quantizes each alone. Groups
// within rows only, as others are fitted over all matrices.
TEST(recipe, importance_of_stacked_matrices) {
  const Eigen::MatrixXf stacked = test::random_matrix(6, 20, 4);
  std::vector<float> weights(60);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i * i % 17);
  const Eigen::MatrixXf all =
      quantize(stacked, affine<2>{}, per_group{5}, mse_range{}, importance(weights, 3)).dequantize();
  for (index_t m = 0; m < 3; ++m) {
    const importance own(std::vector<float>(weights.begin() + 20 * m, weights.begin() + 20 * (m + 1)));
    EXPECT_EQ(
        all.middleRows(2 * m, 2),
        quantize(stacked.middleRows(2 * m, 2), affine<2>{}, per_group{5}, mse_range{}, own).dequantize());
  }
  const Eigen::MatrixXf shared =
      quantize(stacked, affine<2>{}, per_group{5}, mse_range{},
               importance(std::vector<float>(weights.begin(), weights.begin() + 20)))
          .dequantize();
  EXPECT_NE(all, shared);  // the weights matter
  const auto failure = [&](index_t matrices) {
    return test::message_of<shape_error>(
        [&] { quantize(stacked, mse_range{}, importance(weights, matrices)); });
  };
  EXPECT_EQ(failure(4), "importance: expected matrices that divide 6 rows, found 4");
  EXPECT_EQ(failure(0), "importance: expected matrices that divide 6 rows, found 0");
  EXPECT_EQ(failure(2),
            "importance: expected one weight for each of 20 columns of each of 2 matrices, found 60");
}

// Catches importances that are not checked before anything is computed.
TEST(recipe, importance_must_fit) {
  const auto failure = [](std::vector<float> weights) {
    return test::message_of<bitgauge_error>(
        [&] { quantize(x, mse_range{}, importance(std::move(weights))); });
  };
  EXPECT_EQ(failure({1, 2}), "importance: expected one weight for each of 21 columns, found 2");
  std::vector<float> weights(21, 1.0f);
  EXPECT_EQ(failure(weights), "no error");
  weights[20] = -1;
  EXPECT_EQ(failure(weights), "importance of column 20: expected a finite weight from 0 up, found -1.000000");
  weights[20] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(failure(weights).substr(0, 72),
            "importance of column 20: expected a finite weight from 0 up, found nan");
}

}  // namespace
