#include <bitgauge/range/observer_minmax.hpp>
#include <bitgauge/range/observer_moving_average.hpp>

#include "support/calibration_cases.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace bitgauge {
namespace {

using nlohmann::json;
constexpr const char* topic = "affine_observers";
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

row_major matrix_of(const json& file) {
  const auto array = test::load_npy<float>(test::vector_path(topic, file.get<std::string>()));
  return Eigen::Map<const row_major>(array.data.data(), static_cast<index>(array.rows()),
                                     static_cast<index>(array.cols()));
}

integer_grid torch_grid(const json& params) {
  const bool is_signed = params["dtype"] == "qint8";
  if (params["scheme"] == "affine") return make_affine(8, {.signed_codes = is_signed, .torch = true});
  return make_symmetric(8, {.unsigned_codes = !is_signed, .torch = true});
}

void expect_near(float found, float expected, const std::string& what) {
  EXPECT_NEAR(found, expected, 0x1p-20 * std::fabs(expected)) << what;
}

/// Feeds the batches of a case to an observer and compares the range after each and the parameters at the
/// end.
template <class Observer>
void follow(const json& one, Observer seen) {
  const auto expected = test::values_of<float>(topic, one["outputs"]["minmax_after_each"]);
  for (int batch = 0; batch < one["params"]["batches"].get<int>(); ++batch) {
    seen.observe(matrix_of(one["inputs"]["batch" + std::to_string(batch)]));
    const auto at = static_cast<std::size_t>(2 * batch);
    expect_near(seen.ranges().front().low, expected[at], one["name"]);
    expect_near(seen.ranges().front().high, expected[at + 1], one["name"]);
  }
  const parameters p = seen.finish(torch_grid(one["params"])).front();
  expect_near(p.scale, test::values_of<float>(topic, one["outputs"]["scale"]).front(), one["name"]);
  EXPECT_EQ(p.zero_point, test::values_of<std::int32_t>(topic, one["outputs"]["zero_point"]).front())
      << one["name"];
}

// Catches a range that forgets earlier batches.
TEST(minmax_observer, torch_streams) {
  const auto cases = test::cases_of(topic, "minmax_stream");
  ASSERT_FALSE(cases.empty());
  for (const json& one : cases) follow(one, minmax_observer());
}

// Catches an average that starts at zero, or that moves by 1 - rate.
TEST(moving_average_observer, torch_streams) {
  const auto cases = test::cases_of(topic, "movavg_stream");
  ASSERT_FALSE(cases.empty());
  for (const json& one : cases)
    follow(one, moving_average_observer(one["params"]["averaging_constant"].get<float>()));
}

// Catches channels mixed up: the cases' batches are x, 2 x and x / 2, and channels are rows.
TEST(moving_average_observer, torch_streams_per_channel) {
  const auto cases = test::cases_of(topic, "movavg_per_channel_stream");
  ASSERT_FALSE(cases.empty());
  for (const json& one : cases) {
    const row_major x = matrix_of(one["inputs"]["x"]);
    moving_average_observer rows(one["params"]["averaging_constant"].get<float>(), per_row{});
    moving_average_observer columns(one["params"]["averaging_constant"].get<float>(), per_column{});
    for (const float factor : {1.0f, 2.0f, 0.5f}) {
      rows.observe(factor * x);
      columns.observe((factor * x).transpose());
    }
    const auto low = test::values_of<float>(topic, one["outputs"]["min"]);
    const auto scale = test::values_of<float>(topic, one["outputs"]["scale"]);
    const auto found = rows.finish(torch_grid(one["params"]));
    ASSERT_EQ(found.size(), scale.size());
    for (std::size_t c = 0; c < scale.size(); ++c) {
      expect_near(rows.ranges()[c].low, low[c], one["name"]);
      expect_near(found[c].scale, scale[c], one["name"]);
    }
    EXPECT_EQ(found, columns.finish(torch_grid(one["params"])));
  }
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
  EXPECT_EQ(test::message_of<invalid_scheme>([] { moving_average_observer(0.0f); }),
            "moving average: expected a rate above 0 and at most 1, found 0.000000");
}

}  // namespace
}  // namespace bitgauge
