#include <bitgauge/range/calibrators/nvidia.hpp>

#include "support/calibration_cases.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <vector>

namespace bitgauge {
namespace {

using nlohmann::json;

/// The number after `key` in a name such as mse_stride4_start128.
std::size_t number_after(const std::string& name, const std::string& key) {
  std::size_t number = 0;
  const char* from = name.c_str() + name.find(key) + key.size();
  std::from_chars(from, name.c_str() + name.size(), number);
  return number;
}

// Catches a search over other candidates, another merging of bins, ties settled the other way; and the NaN
// that the reference falls for, which is stored under another name and must not be found.
TEST(nvidia_calibration, thresholds_are_the_references) {
  int checked = 0;
  for (const json& one : test::cases_of("calibration", "nv_histogram_calibrator")) {
    const histogram h = test::histogram_of(one["inputs"]);
    const int bits = one["params"]["num_bits"];
    const bool is_unsigned = one["params"]["unsigned"];
    for (const auto& [name, expected] : one["outputs"].items()) {
      if (name.find("hit_nan") != std::string::npos || !expected.is_number()) continue;
      double found = 0;
      if (name.starts_with("percentile_")) {
        found = h.edge(nvidia::percentile_bin(h, std::stod(name.substr(11))));
      } else if (name.starts_with("mse_") || name.starts_with("entropy_")) {
        const nvidia::candidates from{number_after(name, "start"), number_after(name, "stride")};
        found = name.starts_with("mse_") ? h.center(nvidia::mse_bin(h, bits, is_unsigned, from))
                                         : h.edge(nvidia::entropy_bins(h, bits, is_unsigned, from));
      } else {
        continue;
      }
      ++checked;
      EXPECT_NEAR(found, expected.get<double>(), h.width / 4) << one["name"] << " " << name;
    }
  }
  EXPECT_GE(checked, 100);
}

// Where the reference's first windows are empty it picks one of them; the right answer is a window with
// values.
TEST(nvidia_calibration, empty_windows_are_no_candidates) {
  int checked = 0;
  for (const json& one : test::cases_of("calibration", "nv_histogram_calibrator")) {
    for (const auto& [name, wrong] : one["outputs"].items()) {
      if (name.find("hit_nan") == std::string::npos) continue;
      const histogram h = test::histogram_of(one["inputs"]);
      const nvidia::candidates from{number_after(name, "start"), number_after(name, "stride")};
      const auto bins = nvidia::entropy_bins(h, one["params"]["num_bits"], one["params"]["unsigned"], from);
      EXPECT_GT(h.edge(bins), 4 * wrong.get<double>()) << one["name"];
      ++checked;
    }
  }
  EXPECT_GE(checked, 1);
}

// Catches bins of another width after the histogram has grown, and values on an edge counted in the wrong
// bin.
TEST(nvidia_calibration, histogram_is_the_references) {
  int checked = 0;
  for (const json& one : test::cases_of("calibration", "nv_histogram_calibrator")) {
    if (!one["inputs"].contains("batch0")) continue;
    nvidia::magnitude_histogram seen(one["params"]["num_bins"]);
    for (int batch = 0; one["inputs"].contains("batch" + std::to_string(batch)); ++batch)
      seen.observe(test::values_of<float>("calibration", one["inputs"]["batch" + std::to_string(batch)]));
    const histogram expected = test::histogram_of(one["inputs"]);
    ASSERT_EQ(seen.counts().bins(), expected.bins()) << one["name"];
    double difference = 0;
    for (std::size_t i = 0; i < expected.bins(); ++i)
      difference += std::fabs(seen.counts().counts[i] - expected.counts[i]);
    EXPECT_LE(difference, 0.002 * expected.total()) << one["name"];
    ++checked;
  }
  EXPECT_GE(checked, 5);
}

}  // namespace
}  // namespace bitgauge
