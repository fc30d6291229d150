#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/percentile.hpp>

#include "support/calibration_cases.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace bitgauge {
namespace {

Eigen::MatrixXf heavy_tailed(index_t rows, index_t cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Eigen::MatrixXf x(rows, cols);
  for (index_t c = 0; c < cols; ++c)
    for (index_t r = 0; r < rows; ++r) x(r, c) = std::pow(normal(random), 3.0f);
  return x;
}

// Catches bins that are off by one, on the wrong side, or lost when the width doubles: each value is found in
// the bin that holds it.
TEST(histogram_observer, counts_every_value_in_its_bin) {
  const Eigen::MatrixXf x = heavy_tailed(300, 7, 1);
  histogram_observer seen(per_tensor{}, 64);
  for (index_t r = 0; r < x.rows(); ++r) seen.observe(x.row(r));
  const histogram h = seen.counts();
  std::vector<double> expected(h.bins());
  for (const float v : x.reshaped()) {
    const double bin = std::floor(std::fabs(static_cast<double>(v)) / h.width);
    const auto side = static_cast<std::size_t>(bin), middle = h.bins() / 2;
    ++expected[v < 0 ? middle - 1 - side : middle + side];
  }
  EXPECT_EQ(h.counts, expected);
  EXPECT_EQ(h.smallest, x.minCoeff());
  EXPECT_EQ(h.largest, x.maxCoeff());
  EXPECT_LE(h.width, 2 * static_cast<double>(x.cwiseAbs().maxCoeff()) / 64)
      << "at least half of the bins are in use";
}

// Catches a result that depends on how the stream was cut, or on the order of merges: the counts are equal,
// not merely near.
TEST(histogram_observer, batches_and_shards_do_not_matter) {
  const Eigen::MatrixXf x = heavy_tailed(700, 5, 2);
  histogram_observer whole(per_column{}), merged(per_column{});
  whole.observe(x);
  for (const index_t shard : {6, 0, 3, 5, 1, 4, 2}) {
    histogram_observer part(per_column{});
    for (index_t r = 0; r < 100; r += 10) part.observe(x.middleRows(100 * shard + r, 10));
    merged.merge(part);
  }
  for (std::size_t c = 0; c < 5; ++c) EXPECT_EQ(merged.counts(c).counts, whole.counts(c).counts) << c;
  EXPECT_EQ(merged.finish(affine<8>{}, percentile_range{99}),
            whole.finish(affine<8>{}, percentile_range{99}));
}

// Catches finishing from bins that moves a threshold by more than a bin from the values' own.
TEST(histogram_observer, finishes_within_a_bin_of_the_values) {
  const Eigen::MatrixXf x = heavy_tailed(500, 40, 3);
  histogram_observer seen;
  seen.observe(x);
  const double bin = seen.counts().width;
  const group_values values{{x.data(), static_cast<std::size_t>(x.size())}, {}, 0};
  const auto grid = detail::model_of(symmetric<8>{});
  const double exact = percentile_range{99.5}.fit(values, *grid, scale_codec()).scale;
  EXPECT_NEAR(seen.finish(symmetric<8>{}, percentile_range{99.5}).front().scale * 127, exact * 127, bin);
  EXPECT_EQ(
      seen.finish(affine<8>{}).front(),
      detail::parameters_for({x.minCoeff(), x.maxCoeff()}, *detail::model_of(affine<8>{}), scale_codec()));
  const float kl = seen.finish(symmetric<4>{}, kl_range{}).front().scale;
  EXPECT_GT(kl, 0);
  EXPECT_LT(kl * 7, x.cwiseAbs().maxCoeff());
}

// Catches a search over a histogram that misses the least error: of 4000 scales from half of the largest
// value a level to a hundredth of it, tried one by one, none is better, and min-max is far worse.
TEST(histogram_observer, four_bit_error_of_the_laplace_vectors) {
  for (const auto& one : test::cases_of("calibration", "nv_histogram_calibrator")) {
    if (one["name"] != "nv_laplace_b4") continue;
    const histogram h = test::histogram_of(one["inputs"]);
    std::vector<float> centers, counts;
    for (std::size_t i = 0; i < h.bins(); ++i) {
      centers.push_back(static_cast<float>(h.center(i)));
      counts.push_back(static_cast<float>(h.counts[i]));
    }
    const auto error = [&](double scale) {
      double sum = 0;
      for (std::size_t i = 0; i < h.bins(); ++i) {
        const double x = centers[i], code = std::min(std::nearbyint(x / scale), 7.0);
        sum += h.counts[i] * std::pow(x - scale * code, 2);
      }
      return sum / h.total();
    };
    const double largest = h.edge(h.bins());
    double least = error(largest / 7);
    for (int i = 0; i < 4000; ++i) least = std::min(least, error(largest / 2 * std::pow(0.02, i / 4000.0)));
    const float scale = mse_range{effort::best}
                            .fit({centers, counts, 0}, *detail::model_of(symmetric<4>{}), scale_codec())
                            .scale;
    EXPECT_LE(error(scale), least * (1 + 1e-7));
    EXPECT_LT(error(scale), error(largest / 7) / 2);
    return;
  }
  FAIL() << "the case is missing";
}

// Catches memory that grows with the stream or with the range of its values.
TEST(histogram_observer, memory_is_constant) {
  histogram_observer seen;
  seen.observe(Eigen::VectorXf::Constant(8, 1e-30f));
  const std::size_t before = seen.memory();
  EXPECT_EQ(before, 2 * 2048 * sizeof(std::uint64_t));
  for (int batch = 0; batch < 200; ++batch)
    seen.observe(Eigen::VectorXf::Constant(1000, std::ldexp(1.0f, batch / 2)));
  EXPECT_EQ(seen.memory(), before);
  EXPECT_EQ(seen.counts().total(), 8 + 200 * 1000);
}

TEST(histogram_observer, extreme_values_have_a_bin) {
  constexpr float largest = std::numeric_limits<float>::max(),
                  smallest = std::numeric_limits<float>::denorm_min();
  histogram_observer seen;
  seen.observe(Eigen::Vector4f(smallest, -smallest, 0, 3 * smallest));
  EXPECT_EQ(seen.counts().total(), 4);
  seen.observe(Eigen::Vector2f(largest, -largest));
  const histogram h = seen.counts();
  EXPECT_EQ(h.total(), 6);
  EXPECT_EQ(h.counts.front(), 1);
  EXPECT_EQ(h.counts.back(), 1);
}

TEST(histogram_observer, nonfinite_values_are_left_out) {
  constexpr float infinity = std::numeric_limits<float>::infinity(),
                  nan = std::numeric_limits<float>::quiet_NaN();
  histogram_observer seen;
  seen.observe(Eigen::Vector4f(nan, infinity, -infinity, 2));
  EXPECT_EQ(seen.ignored(), 3u);
  EXPECT_EQ(seen.counts().total(), 1);
}

TEST(histogram_observer, no_data_is_an_error) {
  const auto finish = [](const histogram_observer& seen) {
    return test::message_of<data_error>([&] { seen.finish(affine<8>{}); });
  };
  const std::string expected = "observer: channel 0 has seen no finite value: observe a batch first";
  EXPECT_EQ(finish(histogram_observer()), expected);
  histogram_observer only_nan;
  only_nan.observe(Eigen::VectorXf::Constant(3, std::numeric_limits<float>::quiet_NaN()));
  EXPECT_EQ(finish(only_nan), expected);
}

TEST(histogram_observer, shapes_must_match) {
  histogram_observer seen(per_column{});
  seen.observe(Eigen::MatrixXf::Ones(2, 3));
  EXPECT_EQ(test::message_of<shape_error>([&] { seen.observe(Eigen::MatrixXf::Ones(2, 4)); }),
            "observer: expected 3 channels as before, found 4");
  EXPECT_EQ(test::message_of<shape_error>([&] { seen.merge(histogram_observer(per_column{}, 64)); }),
            "merge: expected a histogram of 2048 bins, found 64");
  EXPECT_NE(test::message_of<shape_error>([&] { seen.merge(histogram_observer()); }), "no error");
  EXPECT_NE(test::message_of<invalid_scheme>([] { histogram_observer(per_group{4}); }), "no error");
}

}  // namespace
}  // namespace bitgauge
