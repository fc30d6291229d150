#include <bitgauge/range/observer/minmax.hpp>

#include "support/message_of.hpp"
#include "support/torch_observers.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace {

// Catches a range that forgets earlier batches.
TEST(minmax_observer, torch_streams) {
  const auto cases = test::cases_of(test::observer_topic, "minmax_stream");
  ASSERT_FALSE(cases.empty());
  for (const auto& one : cases) test::follow(one, minmax_observer());
}

// Catches a merge that keeps one side, and element types or layouts read wrongly.
TEST(minmax_observer, merges_and_reads_any_matrix) {
  Eigen::MatrixXd x = Eigen::MatrixXd::Random(6, 4);
  minmax_observer whole(per_column{}), left(per_column{}), right(per_column{});
  whole.observe(x.cast<float>());
  left.observe(x.topRows(2));
  right.observe((2 * x.bottomRows(4)).array() / 2);
  left.merge(right);
  EXPECT_EQ(left.ranges(), whole.ranges());
}

TEST(minmax_observer, no_data_is_an_error) {
  EXPECT_EQ(test::message_of<data_error>([] { minmax_observer().finish(affine<8>{}); }),
            "observer: channel 0 has seen no finite value: observe a batch first");
  minmax_observer seen(per_column{});
  Eigen::MatrixXf x = Eigen::MatrixXf::Ones(2, 2);
  x.col(1).setConstant(std::numeric_limits<float>::quiet_NaN());
  seen.observe(x);
  EXPECT_EQ(test::message_of<data_error>([&] { seen.ranges(); }),
            "observer: channel 1 has seen no finite value: observe a batch first");
}

}  // namespace
}  // namespace bitgauge
