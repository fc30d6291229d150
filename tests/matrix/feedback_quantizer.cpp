#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/fit/feedback_quantizer.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace bg = bitgauge;
using Eigen::Index;

/// A user's own grid: 0 and +-2^-6 .. 1.
struct powers_of_two {
  int bits() const { return 4; }
  float level(int field) const {
    const int exponent = field & 7;
    const float magnitude = exponent == 0 ? 0 : std::ldexp(1.0f, exponent - 7);
    return field < 8 ? magnitude : -magnitude;
  }
  int nearest(float value) const {
    int best = 0;
    for (int f = 1; f < 16; ++f)
      if (std::fabs(level(f) - value) < std::fabs(level(best) - value)) best = f;
    return best;
  }
  float scale_for(bg::interval range) const { return range.magnitude(); }
};

/// The least squared error over a few scales, weighted; remembers nothing.
struct weighted_range {
  std::vector<float>* seen;
  bg::parameters fit(const bg::group_values& group, const bg::any_grid& grid,
                     const bg::scale_codec& storage) const {
    seen->assign(group.weights.begin(), group.weights.end());
    return bg::detail::parameters_for(bg::detail::extent_of(group.values), grid, storage);
  }
};

class feedback : public testing::Test {
 protected:
  feedback() : w(test::normal_matrix(16, 60, 1)), h(60) {
    h.accumulate(test::correlated_inputs(200, 60, 0.9f, 2));
  }
  template <class... Answers>
  double gain(const Answers&... answers) const {
    const auto nearest = bg::quantize(w, answers...), fed = bg::quantize(w, answers..., bg::gptq(h));
    EXPECT_EQ(fed.encoding(), nearest.encoding());
    EXPECT_EQ(fed.storage_bytes(), nearest.storage_bytes());
    return test::output_error(w, fed.dequantize(), h.matrix()) /
           test::output_error(w, nearest.dequantize(), h.matrix());
  }
  Eigen::MatrixXf w;
  bg::hessian h;
};

// Catches a grid, granularity or storage that feedback breaks: each must do better than nearest with the same
// answers and the same bytes.
TEST_F(feedback, works_with_every_answer) {
  for (int bits = 1; bits <= 8; ++bits) {
    SCOPED_TRACE(std::to_string(bits) + " bits");
    EXPECT_LT(gain(bg::make_affine(bits)), 0.8);
    EXPECT_LT(gain(bg::make_symmetric(bits), bg::per_group{16}), 0.8);
    EXPECT_LT(gain(bg::make_affine(bits), bg::per_group{25}, bg::f16_scales), 0.8);
    EXPECT_LT(gain(bg::make_symmetric(bits, {.full = true}), bg::per_tensor{}), 0.8);
    EXPECT_LT(gain(bg::make_affine(bits), bg::per_column{}), 0.8);
  }
  EXPECT_LT(gain(powers_of_two{}, bg::per_group{20}), 0.8);
  EXPECT_LT(gain(powers_of_two{}, bg::per_tensor{}, bg::bf16_scales), 0.8);
  EXPECT_LT(gain(bg::affine<4>{}, bg::per_group{10}, bg::double_quantized{16}), 0.8);
}

// Catches scales that are not as stored when codes are chosen: with groups that span rows they are those of
// nearest, to the bit.
TEST_F(feedback, spanning_groups_keep_their_scales) {
  for (const bg::granularity groups :
       {bg::granularity(bg::per_tensor{}), bg::granularity(bg::per_column{})}) {
    const auto fed = bg::quantize(w, bg::affine<3>{}, groups, bg::gptq(h));
    const auto nearest = bg::quantize(w, bg::affine<3>{}, groups);
    EXPECT_EQ(fed.scales().bytes(), nearest.scales().bytes());
    EXPECT_EQ(fed.zero_points(), nearest.zero_points());
  }
}

// Catches ranges that are not told how much each column counts: the Hessian's diagonal, or what the user
// says.
TEST_F(feedback, tells_ranges_what_counts) {
  std::vector<float> seen;
  bg::quantize(w.topRows(1), bg::affine<4>{}, weighted_range{&seen}, bg::gptq(h), bg::options{.threads = 1});
  ASSERT_EQ(seen.size(), 60u);
  for (Index c = 0; c < 60; ++c)
    EXPECT_NEAR(seen[static_cast<std::size_t>(c)], h.diagonal()(c) / h.diagonal().maxCoeff(), 1e-6);
  const std::vector<float> own(60, 0.25f);
  bg::quantize(w.topRows(1), bg::affine<4>{}, weighted_range{&seen}, bg::gptq(h), bg::importance(own),
               bg::options{.threads = 1});
  EXPECT_EQ(seen, own);
}

// Catches shapes and types that lose their way: vectors, both storage orders, expressions, double.
TEST_F(feedback, takes_every_kind_of_matrix) {
  const bg::gptq rounding(h);
  const auto expected = bg::quantize(w, bg::affine<4>{}, bg::per_group{16}, rounding);
  EXPECT_EQ(bg::quantize(Eigen::Matrix<float, -1, -1, Eigen::RowMajor>(w), bg::affine<4>{}, bg::per_group{16},
                         rounding),
            expected);
  EXPECT_EQ(bg::quantize(w.cast<double>(), bg::affine<4>{}, bg::per_group{16}, rounding), expected);
  const Eigen::VectorXf row = w.row(0).transpose();
  const auto vector = bg::quantize(row, bg::affine<4>{}, bg::per_group{16}, rounding);
  EXPECT_TRUE(vector.is_column_vector());
  EXPECT_EQ(vector.dequantize().col(0), expected.dequantize().row(0).transpose());
  EXPECT_EQ(bg::quantize(Eigen::MatrixXf(0, 60), bg::affine<4>{}, rounding).size(), 0);
}

// Catches a search that takes the code of MXINT8's -2, which the format's encoders leave out.
TEST_F(feedback, leaves_out_levels_that_nothing_is_rounded_to) {
  w = w.cwiseMax(-1.9f).cwiseMin(1.9f);
  for (Index c = 0; c < 60; c += 2) w.col(c).setConstant(-1.999f);
  const auto q = bg::quantize(w, bg::mxint8{}, bg::per_block{30}, bg::e8m0_scales,
                              bg::gptq(h, {.effort = bg::effort::best}));
  EXPECT_EQ(std::count(q.codes().begin(), q.codes().end(), 0x80), 0);
}

// Catches NaN that is fed into all columns after it.
TEST_F(feedback, rejects_what_is_not_finite) {
  w(3, 7) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::message_of<bg::data_error>([&] {
              bg::quantize(w, bg::affine<4>{}, bg::gptq(h),
                           bg::options{.on_nonfinite = bg::nonfinite::saturate});
            }).substr(0, 23),
            "row 3, column 7 is NaN:");
}

}  // namespace
