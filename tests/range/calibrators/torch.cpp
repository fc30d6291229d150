#include <bitgauge/range/calibrators/torch.hpp>
#include <bitgauge/range/fit_interval.hpp>

#include "support/calibration_cases.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bitgauge {
namespace {

using nlohmann::json;

constexpr const char* topic = "affine_observers";

/// torch's grid of a case: 8 bits, signed or not, affine or symmetric.
integer_grid grid_of(const json& params) {
  const bool is_signed = params["dtype"] == "qint8";
  if (params["scheme"] == "affine") return make_affine(8, {.signed_codes = is_signed, .torch = true});
  return make_symmetric(8, {.unsigned_codes = !is_signed, .torch = true});
}

histogram observed(const json& one) {
  torch::extent_histogram seen(one["params"]["bins"], one["params"]["upsample_rate"]);
  for (int batch = 0; batch < one["params"]["batches"].get<int>(); ++batch)
    seen.observe(test::values_of<float>(topic, one["inputs"]["batch" + std::to_string(batch)]));
  return seen.counts();
}

// Catches bins that are moved to the wrong place when the extent grows.
TEST(torch_histogram, counts_are_the_references) {
  for (const json& one : test::cases_of(topic, "histogram_observer")) {
    const histogram h = observed(one);
    const auto expected = test::values_of<float>(topic, one["outputs"]["histogram"]);
    ASSERT_EQ(h.bins(), expected.size());
    double difference = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      difference += std::fabs(h.counts[i] - static_cast<double>(expected[i]));
    EXPECT_LE(difference, 0.002 * h.total()) << one["name"];
    EXPECT_EQ(static_cast<double>(h.smallest), one["outputs"]["min_val"].get<double>());
    EXPECT_EQ(static_cast<double>(h.largest), one["outputs"]["max_val"].get<double>());
  }
}

// Catches a search that stops elsewhere, or parameters that follow from the range by another rule.
TEST(torch_histogram, parameters_are_the_references) {
  ASSERT_GE(test::cases_of(topic, "histogram_observer").size(), 32u);
  for (const json& one : test::cases_of(topic, "histogram_observer")) {
    const json& out = one["outputs"];
    histogram h = observed(one);
    const auto stored = test::values_of<float>(topic, out["histogram"]);
    h.counts.assign(stored.begin(), stored.end());
    const auto found = torch::search_range(h, one["params"]["dst_nbins"]);
    EXPECT_NEAR(found.range.low, out["new_min"].get<double>(), 2 * h.width) << one["name"];
    EXPECT_NEAR(found.range.high, out["new_max"].get<double>(), 2 * h.width) << one["name"];

    const integer_grid grid = grid_of(one["params"]);
    const parameters p = detail::parameters_for(detail::including_zero(found.range),
                                                detail::any_grid_of<integer_grid>(grid), scale_codec());
    const double scale = test::values_of<float>(topic, out["scale"]).front();
    const double bins = out["end_bin"].get<double>() - out["start_bin"].get<double>();
    EXPECT_NEAR(p.scale, scale, 2 / bins * scale) << one["name"];
    EXPECT_NEAR(p.zero_point, test::values_of<std::int32_t>(topic, out["zero_point"]).front(), 1)
        << one["name"];
  }
}

}  // namespace
}  // namespace bitgauge
