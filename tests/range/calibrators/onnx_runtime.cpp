#include <bitgauge/range/calibrators/onnx_runtime.hpp>

#include "support/calibration_cases.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bitgauge {
namespace {

using nlohmann::json;

// Catches another merging, the whole-number spread, smoothing on shares instead of counts, the last minimum
// instead of the first.
TEST(onnx_runtime_calibration, entropy_is_the_references) {
  int checked = 0;
  for (const json& one : test::cases_of("calibration", "ort_entropy")) {
    const histogram h = test::histogram_of(one["inputs"]);
    const auto found = onnx_runtime::entropy(h, one["params"]["num_quantized_bins"]);
    EXPECT_EQ(found.index, one["outputs"]["index"].get<std::size_t>()) << one["name"];
    EXPECT_NEAR(found.range.low, one["outputs"]["low"].get<double>(), h.width / 4) << one["name"];
    EXPECT_NEAR(found.range.high, one["outputs"]["high"].get<double>(), h.width / 4) << one["name"];
    const auto expected = test::values_of<double>("calibration", one["outputs"]["kl"]);
    ASSERT_EQ(found.divergences.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(found.divergences[i], expected[i], 1e-4 * std::fabs(expected[i]) + 1e-9)
          << one["name"] << " " << i;
    ++checked;
  }
  EXPECT_GE(checked, 18);
}

// Catches the wrong side of a bin, or a cut of (100 - p) instead of half of it at each end.
TEST(onnx_runtime_calibration, percentile_is_the_references) {
  int checked = 0;
  for (const json& one : test::cases_of("calibration", "ort_percentile_asym")) {
    const histogram h = test::histogram_of(one["inputs"]);
    const interval found = onnx_runtime::percentile(h, one["params"]["percentile"]);
    EXPECT_NEAR(found.low, one["outputs"]["low"].get<double>(), h.width / 4) << one["name"];
    EXPECT_NEAR(found.high, one["outputs"]["high"].get<double>(), h.width / 4) << one["name"];
    ++checked;
  }
  EXPECT_GE(checked, 21);
}

// 1000 values of magnitude i + 1/2, one a bin: 99 % of them reach bin 989.
TEST(onnx_runtime_calibration, symmetric_percentile) {
  const histogram h{0, 1, std::vector<double>(1000, 1.0), 0, 1000};
  EXPECT_EQ(onnx_runtime::symmetric_percentile(h, 99), (interval{-989, 989}));
}

}  // namespace
}  // namespace bitgauge
