#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/range.hpp>

#include "support/codes.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// A user's own range: the mean magnitude, four times over.
struct four_means {
  interval operator()(std::span<const float> values) const {
    double sum = 0;
    for (const float v : values) sum += std::fabs(static_cast<double>(v));
    const auto end = static_cast<float>(4 * sum / static_cast<double>(values.size()));
    return {-end, end};
  }
};
struct not_a_range {
  float operator()(std::span<const float>) const { return 1; }
};

static_assert(range<four_means> && interval_range<four_means> && !fitting_range<four_means>);
static_assert(range<fixed_range> && range<decltype([](std::span<const float>) { return interval{}; })>);
static_assert(!range<not_a_range> && !range<int> && !range<symmetric<4>> && !range<granularity>);

constexpr granularity granularities[] = {per_tensor{}, per_row{}, per_column{}, per_group{3}};
const Eigen::MatrixXf x{{1, -2, 3, 4}, {0.5f, 0.25f, -8, 1}, {0, 0, 0, 0}, {-1, -2, -3, -4}, {5, 6, 7, 8}};

float scale_at(const quantized_matrix& q, index_t r, index_t c) {
  return q.scale(q.groups().group_of(r, c));
}

// Catches a range that leaves out zero or belongs to another group.
TEST(range, minmax_and_absmax) {
  const auto row = quantize(x, affine<4>{});
  EXPECT_EQ(row.scale(0), 6.0f / 15);
  EXPECT_EQ(row.scale(2), 0);
  EXPECT_EQ(row.scale(3), 4.0f / 15);
  EXPECT_EQ(row.zero_point(3), 15);
  EXPECT_EQ(row.scale(4), 8.0f / 15);
  EXPECT_EQ(row.zero_point(4), 0);
  const auto centered = quantize(x, affine<4>{}, absmax_range{});
  EXPECT_EQ(centered.scale(4), 16.0f / 15);
  EXPECT_EQ(centered.zero_point(4), 8);
  EXPECT_EQ(quantize(x, affine<4>{}, per_column{}).scale(2), 15.0f / 15);
  EXPECT_EQ(quantize(x, affine<4>{}, per_tensor{}).scale(0), 16.0f / 15);
  EXPECT_EQ(scale_at(quantize(x, symmetric<4>{}, per_group{3}), 1, 3), 1.0f / 7);
  // on a symmetric grid both are absmax
  for (const granularity groups : granularities)
    EXPECT_EQ(quantize(x, symmetric<4>{}, groups), quantize(x, symmetric<4>{}, groups, absmax_range{}));
}

// Catches a one-bit scale that is not the mean magnitude, which is the best: any other has a larger error.
TEST(range, one_bit_takes_the_mean_magnitude) {
  for (const granularity groups : granularities) {
    const auto q = quantize(x, symmetric<1>{}, groups);
    for (index_t r = 0; r < x.rows(); ++r)
      for (index_t c = 0; c < x.cols(); ++c) {
        double sum = 0, count = 0;
        for (index_t i = 0; i < x.rows(); ++i)
          for (index_t j = 0; j < x.cols(); ++j)
            if (q.groups().group_of(i, j) == q.groups().group_of(r, c)) {
              sum += std::fabs(static_cast<double>(x(i, j)));
              ++count;
            }
        EXPECT_EQ(scale_at(q, r, c), static_cast<float>(sum / count));
        EXPECT_EQ(q.code(r, c), x(r, c) < 0 ? -1 : 1);
      }
  }
}

// Catches a group that is handed over in part, in another order, or with elements of its neighbours.
TEST(range, sees_exactly_the_values_of_a_group) {
  for (const granularity groups : granularities) {
    const grouping parts(groups, x.rows(), x.cols());
    std::vector<std::vector<float>> expected(static_cast<std::size_t>(parts.count())), seen;
    for (index_t r = 0; r < x.rows(); ++r)
      for (index_t c = 0; c < x.cols(); ++c)
        expected[static_cast<std::size_t>(parts.group_of(r, c))].push_back(x(r, c));
    const auto spy = [&seen](std::span<const float> values) {
      seen.emplace_back(values.begin(), values.end());
      return interval{-1, 1};
    };
    for (const bool row_major : {false, true}) {
      seen.clear();
      if (row_major)
        quantize(Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>(x), affine<4>{},
                 groups, spy, options{.threads = 1});
      else
        quantize(x, affine<4>{}, groups, spy, options{.threads = 1});
      EXPECT_EQ(seen, expected);
    }
  }
}

// Catches a user's range that is not widened to zero, or that some grid or granularity ignores.
TEST(range, a_users_range_works_with_all_the_rest) {
  const auto positive = quantize(x, affine<8>{}, fixed_range{{2, 5}});
  EXPECT_EQ(positive.scale(0), 5.0f / 255);
  EXPECT_EQ(positive.zero_point(0), 0);
  for (const granularity groups : granularities)
    for (const scale_storage storage : {f32_scales, f16_scales, bf16_scales}) {
      EXPECT_NO_THROW(quantize(x, affine<3>{}, groups, storage, four_means{}, stochastic_rounding{1}));
      EXPECT_EQ(quantize(x, symmetric<5>{}, groups, storage, four_means{}).scales().size(),
                grouping(groups, 5, 4).count());
    }
  EXPECT_EQ(quantize(x, symmetric<3>{}, four_means{}).scale(0), 10.0f / 3);
}

// Catches a NaN of the user's that becomes a scale of zero.
TEST(range, refuses_ends_that_are_not_finite) {
  EXPECT_EQ(test::message_of<data_error>([] {
              quantize(x, fixed_range{{std::numeric_limits<float>::quiet_NaN(), 1}});
            }).substr(0, 51),
            "range of group 0: expected finite ends, found [nan,");
  EXPECT_THROW(quantize(x, per_group{2}, fixed_range{{0, std::numeric_limits<float>::infinity()}}),
               data_error);
}

// Catches ends in the wrong order that quietly become a range of nothing but zero.
TEST(range, refuses_ends_in_the_wrong_order) {
  EXPECT_EQ(
      test::message_of<data_error>([] {
        quantize(x, fixed_range{{3, -3}});
      }),
      "range of group 0: expected a low end that is not above the high one, found [3.000000, -3.000000]");
}

// Catches numbers of messages that nobody can read: 31 digits, and a zero that is none.
TEST(range, large_and_small_ends_are_named_by_powers_of_ten) {
  EXPECT_EQ(test::message_of<data_error>([] {
              quantize(x, fixed_range{{1e30f, 1e-7f}});
            }),
            "range of group 0: expected a low end that is not above the high one, found [1e+30, 1e-07]");
}

}  // namespace
