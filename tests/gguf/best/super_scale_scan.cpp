#include <bitgauge/gguf/best/super_scale_scan.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <ratio>
#include <vector>

namespace {

using namespace bitgauge;

using ratio = std::ratio<1003, 1000>;
using steps = gguf::best::geometric_steps<ratio>;

// Catches a power that drifts from the number of steps, or a search that stops a step away from it.
TEST(super_scale_scan, steps_invert_powers) {
  EXPECT_EQ(steps::power(0), 1.0f);
  for (int n = 1; n < 4000; ++n) {
    const double exact = std::pow(1.003, n);
    EXPECT_NEAR(steps::power(n) / exact, 1.0, 1e-5) << n;
    EXPECT_EQ(steps::below(steps::power(n) * 1.001f), n);
    EXPECT_EQ(steps::below(steps::power(n) * 0.999f), n - 1);
  }
  EXPECT_EQ(steps::below(0.25f), 0);
}

/// The least of sub-blocks' errors (log2(scale / c))^2 over the factors 1..most, c within reach of all.
double error_under(double super, const std::vector<double>& centres, int most) {
  double sum = 0.0;
  for (const double c : centres) {
    double least = HUGE_VAL;
    for (int f = 1; f <= most; ++f) least = std::min(least, std::pow(std::log2(f * super / c), 2.0));
    sum += least;
  }
  return sum;
}

// Catches curves moved by wrong steps, a factor left out at either end, and super-scales named by the wrong
// place: against every super-scale and factor one by one.
TEST(super_scale_scan, finds_the_super_scales_of_least_error) {
  constexpr int scanned = 192, most = 31;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> place(std::log(1.2), std::log(31.0));
  for (int round = 0; round < 20; ++round) {
    std::vector<double> centres{31.0};
    for (int s = 0; s < 5; ++s) centres.push_back(std::exp(place(random)));
    float found[2];
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<decltype(width)::value>;
      gguf::best::super_scale_scan<ratio, scanned, most, decltype(width)::value> scan(0.85f);
      for (const double c : centres) {
        const auto middle = static_cast<float>(c);
        scan.add(
            0.9f * middle, 1.2f * middle, [&](const lanes& scale) __attribute__((always_inline)) {
              std::array<float, lanes::count> all;
              scale.store(all.data());
              for (float& one : all) one = std::pow(std::log2(one / middle), 2.0f);
              return lanes::load(all.data());
            });
      }
      found[0] = scan.take_best();
      found[1] = scan.take_best();
    });
    double least = HUGE_VAL;
    for (int k = 0; k < scanned; ++k) {
      least = std::min(least, error_under(0.85 * std::pow(1.003, k), centres, most));
    }
    // Half a step aside, a sub-block's root of the error is off by 0.5 log2(1.003).
    const double aside = 0.5 * std::log2(1.003);
    const double worst = std::sqrt(least) + 2.0 * aside * std::sqrt(static_cast<double>(centres.size()));
    EXPECT_LE(error_under(found[0], centres, most), worst * worst) << round;
    EXPECT_GT(std::abs(found[1] / found[0] - 1.0f), 2.5f * 0.003f) << "neighbours are taken out";
  }
}

// Catches a range of scales that leaves a super-scale without any factor: the error would be infinite for
// all, and the first super-scale would win whatever the others say.
TEST(super_scale_scan, sub_blocks_too_small_for_any_factor_do_not_count) {
  constexpr int scanned = 128;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<decltype(width)::value>;
    gguf::best::super_scale_scan<ratio, scanned, 31, decltype(width)::value> scan(1.0f);
    const auto error_about = [](float centre) {
      return [centre](const lanes& scale) __attribute__((always_inline)) {
        const lanes off = scale - lanes::all(centre);
        return off * off;
      };
    };
    scan.add(0.0f, 1e-6f, error_about(0.0f));
    scan.add(30.0f, 40.0f, error_about(31.0f * 1.2f));
    EXPECT_NEAR(scan.take_best(), 1.2f, 0.06f);
  });
}

// Catches a small sub-block between two factors that rules a super-scale out.
TEST(super_scale_scan, small_factors_lie_far_apart) {
  constexpr int scanned = 128;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<decltype(width)::value>;
    gguf::best::super_scale_scan<ratio, scanned, 31, decltype(width)::value> scan(1.0f);
    scan.add(
        1.48f, 1.49f, [](const lanes&) __attribute__((always_inline)) { return lanes::all(1.0f); });
    scan.add(
        30.0f, 40.0f, [](const lanes& scale) __attribute__((always_inline)) {
          const lanes off = scale - lanes::all(31.0f * 1.1f);
          return off * off;
        });
    EXPECT_NEAR(scan.take_best(), 1.1f, 0.06f);
  });
}

}  // namespace
