#include <bitgauge/range/observer/moving_average.hpp>

#include "support/message_of.hpp"
#include "support/torch_observers.hpp"

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

// Catches an average that starts at zero, or that moves by 1 - rate.
TEST(moving_average_observer, torch_streams) {
  const auto cases = test::cases_of(test::observer_topic, "movavg_stream");
  ASSERT_FALSE(cases.empty());
  for (const auto& one : cases)
    test::follow(one, moving_average_observer(one["params"]["averaging_constant"].get<float>()));
}

// Catches channels mixed up: the cases' batches are x, 2 x and x / 2, and channels are rows.
TEST(moving_average_observer, torch_streams_per_channel) {
  const auto cases = test::cases_of(test::observer_topic, "movavg_per_channel_stream");
  ASSERT_FALSE(cases.empty());
  for (const auto& one : cases) {
    const test::row_major x = test::matrix_of(one["inputs"]["x"]);
    moving_average_observer rows(one["params"]["averaging_constant"].get<float>(), per_row{});
    moving_average_observer columns(one["params"]["averaging_constant"].get<float>(), per_column{});
    for (const float factor : {1.0f, 2.0f, 0.5f}) {
      rows.observe(factor * x);
      columns.observe((factor * x).transpose());
    }
    const auto low = test::values_of<float>(test::observer_topic, one["outputs"]["min"]);
    const auto scale = test::values_of<float>(test::observer_topic, one["outputs"]["scale"]);
    const auto found = rows.finish(test::torch_grid(one["params"]));
    ASSERT_EQ(found.size(), scale.size());
    for (std::size_t c = 0; c < scale.size(); ++c) {
      test::expect_near(rows.ranges()[c].low, low[c], one["name"]);
      test::expect_near(found[c].scale, scale[c], one["name"]);
    }
    EXPECT_EQ(found, columns.finish(test::torch_grid(one["params"])));
  }
}

// Catches a distance between batches that overflows: half of the way from 3e38 to -3e38 is 0.
TEST(moving_average_observer, reaches_from_end_to_end) {
  moving_average_observer seen(0.5f);
  seen.observe(Eigen::VectorXf::Constant(3, 3e38f));
  seen.observe(Eigen::VectorXf::Constant(3, -3e38f));
  EXPECT_EQ(seen.ranges().front(), (interval{0, 0}));
  EXPECT_EQ(seen.finish(affine<8>{}).front(), (parameters{0, 0})) << "as of zeros alone";
}

TEST(moving_average_observer, rejects_a_rate_that_is_none) {
  EXPECT_EQ(test::message_of<invalid_scheme>([] { moving_average_observer(0.0f); }),
            "moving average: expected a rate above 0 and at most 1, found 0.000000");
}

}  // namespace
}  // namespace bitgauge
