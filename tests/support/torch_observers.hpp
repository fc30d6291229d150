#pragma once

/// \file
/// Streams that torch's observers have followed.

#include <bitgauge/grid/integer.hpp>

#include "support/calibration_cases.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace test {

using nlohmann::json;
inline constexpr const char* observer_topic = "affine_observers";
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline row_major matrix_of(const json& file) {
  const auto array = load_npy<float>(vector_path(observer_topic, file.get<std::string>()));
  return Eigen::Map<const row_major>(array.data.data(), static_cast<Eigen::Index>(array.rows()),
                                     static_cast<Eigen::Index>(array.cols()));
}

inline bitgauge::integer_grid torch_grid(const json& params) {
  const bool is_signed = params["dtype"] == "qint8";
  if (params["scheme"] == "affine")
    return bitgauge::make_affine(8, {.signed_codes = is_signed, .torch = true});
  return bitgauge::make_symmetric(8, {.unsigned_codes = !is_signed, .torch = true});
}

inline void expect_near(float found, float expected, const std::string& what) {
  EXPECT_NEAR(found, expected, 0x1p-20 * std::fabs(expected)) << what;
}

/// Feeds the batches of a case to an observer and compares the range after each and the parameters at the
/// end.
template <class Observer>
void follow(const json& one, Observer seen) {
  const auto expected = values_of<float>(observer_topic, one["outputs"]["minmax_after_each"]);
  for (int batch = 0; batch < one["params"]["batches"].get<int>(); ++batch) {
    seen.observe(matrix_of(one["inputs"]["batch" + std::to_string(batch)]));
    const auto at = static_cast<std::size_t>(2 * batch);
    expect_near(seen.ranges().front().low, expected[at], one["name"]);
    expect_near(seen.ranges().front().high, expected[at + 1], one["name"]);
  }
  const bitgauge::parameters p = seen.finish(torch_grid(one["params"])).front();
  expect_near(p.scale, values_of<float>(observer_topic, one["outputs"]["scale"]).front(), one["name"]);
  EXPECT_EQ(p.zero_point, values_of<std::int32_t>(observer_topic, one["outputs"]["zero_point"]).front())
      << one["name"];
}

}  // namespace test
