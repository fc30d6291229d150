#include <bitgauge/model/budget/any_rate.hpp>
#include <bitgauge/model/tensors/memory_source.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

const std::vector<double> scales{1, 20, 0.05, 4};

memory_source four_matrices() {
  memory_source model("model");
  for (std::size_t t = 0; t < 4; ++t)
    model.add("t" + std::to_string(t), Eigen::MatrixXf::Zero(128, t == 3 ? 512 : 256));
  return model;
}
double weights_of(std::size_t t) {
  return 128 * (t == 3 ? 512.0 : 256.0);
}

/// Costs of c 4^-r whatever the format, but for q4_0: `of_blocks` times as much.
model_candidates with_costs(std::vector<tensor_format> formats, double of_blocks) {
  model_candidates all = candidates(four_matrices(), {}, formats);
  for (std::size_t t = 0; t < 4; ++t)
    for (candidate& each : all.tensors[t].formats)
      each.cost =
          scales[t] * std::exp2(-2 * each.plan.bits_per_weight()) * (each.plan.to.type() ? of_blocks : 1);
  return all;
}

// Catches rates that are not of equal slope, a text that says another rate than the size, a size that misses the budget,
// and a bound that is none or far off.
TEST(any_rate, is_shared_out_by_equal_slope) {
  const trellis_scheme t = parse_trellis("trellis:states=16");
  model_candidates all = with_costs(at_rates(t, rates_around(2.5)), 1);
  allow_any_rate(all, t);
  const budget_plan best = plan_within(all, bit_budget(2.5));
  EXPECT_TRUE(best.has_rates);
  EXPECT_LE(best.allocation.bytes, best.limit);
  EXPECT_GE(static_cast<double>(best.allocation.bytes), 0.999 * static_cast<double>(best.limit));
  double cost = 0, uniform = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const planned_tensor& row = best.plan.tensors[i];
    const double rate = row.to.trellis()->bits;
    EXPECT_EQ(row.to.trellis()->states, 16);
    EXPECT_EQ(row.entry->scheme, to_text(row.to));
    EXPECT_EQ(row.entry->storage_bytes(), static_cast<index_t>(row.bytes_after));
    EXPECT_NEAR(row.bits_per_weight(), rate, 1e-3);
    const double wanted = std::log2(scales[i] / weights_of(i) / (scales[0] / weights_of(0))) / 2;
    if (i != 2) {  // which is at the least rate that is measured
      EXPECT_NEAR(rate - best.plan.tensors[0].to.trellis()->bits, wanted, 2e-3);
    }
    cost += scales[i] * std::exp2(-2 * rate);
    uniform += scales[i] * std::exp2(-5.0);
    bytes += row.bytes_after;
  }
  EXPECT_EQ(best.plan.tensors[2].to.trellis()->bits, 1);
  EXPECT_EQ(best.allocation.bytes, bytes);
  EXPECT_NEAR(best.allocation.cost, cost, 1e-3 * cost);
  EXPECT_LE(best.allocation.cost, best.multiplier_cost);
  EXPECT_LT(cost, 0.7 * uniform);
  EXPECT_LE(best.allocation.bound, best.allocation.cost);
  EXPECT_GE(best.allocation.bound, 0.995 * best.allocation.cost);
}

// Catches formats of one rate that are left out or taken wrongly: every way of giving them to some tensors and the rest
// of the budget to the others by equal slope is tried.
TEST(any_rate, stands_beside_formats_of_one_rate) {
  const trellis_scheme t = parse_trellis("trellis");
  const std::vector<double> rates = rates_around(4.3);
  for (const double of_blocks : {0.05, 0.6, 1.0}) {
    std::vector<tensor_format> formats = at_rates(t, rates);
    formats.push_back(parse_format("q4_0"));
    model_candidates all = with_costs(formats, of_blocks);
    allow_any_rate(all, t);
    const budget_plan best = plan_within(all, bit_budget(4.3));
    double least = 1e300;
    for (unsigned blocks = 0; blocks < 16; ++blocks) {
      std::vector<rate_curve> curves;
      std::vector<rated_weights> rated;
      std::vector<std::size_t> places;
      double cost = 0, left = static_cast<double>(best.limit);
      curves.reserve(4);
      for (std::size_t i = 0; i < 4; ++i) {
        if ((blocks >> i & 1u) != 0) {
          cost += scales[i] * std::exp2(-9.0) * of_blocks;
          left -= weights_of(i) * 4.5 / 8;
          continue;
        }
        curves.push_back(rate_curve({{rates.front(), scales[i] * std::exp2(-2 * rates.front())},
                                     {rates.back(), scales[i] * std::exp2(-2 * rates.back())}}));
        rated.push_back({&curves.back(), weights_of(i)});
        places.push_back(i);
      }
      const std::vector<double> found = rates_of_equal_slope(rated, left).first;
      for (std::size_t i = 0; i < found.size(); ++i) {
        cost += curves[i].cost(found[i]);
        left -= found[i] * rated[i].weights / 8;
      }
      if (left > -1) least = std::min(least, cost);
    }
    EXPECT_NEAR(best.allocation.cost, least, 3e-3 * least) << of_blocks;
    EXPECT_LE(best.allocation.bound, least * (1 + 1e-9)) << of_blocks;
    EXPECT_LE(best.allocation.bytes, best.limit);
  }
}

}  // namespace
