#include <bitgauge/gguf/best/one_scale.hpp>
#include <bitgauge/gguf/format/decode_block.hpp>
#include <bitgauge/gguf/format/formats.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
using namespace bitgauge::gguf;

/// The error of the nearest of the levels, ascending.
template <std::size_t Count>
double nearest_error(double x, double scale, const std::array<std::int8_t, Count>& levels) {
  double least = HUGE_VAL;
  if (scale != 0 && levels.back() - levels.front() == static_cast<int>(Count) - 1) {
    const double level = std::clamp<double>(std::nearbyint(x / scale), levels.front(), levels.back());
    return (x - scale * level) * (x - scale * level);
  }
  for (const int level : levels) least = std::min(least, (x - scale * level) * (x - scale * level));
  return least;
}

/// The least error over every finite binary16 scale, each element at its nearest level.
template <class Format>
double least_error_of_all(const std::vector<float>& x, const float* importance) {
  constexpr auto levels = best::detail::ascending_levels<typename Format::levels>;
  double least = HUGE_VAL;
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    if ((pattern & 0x7c00) == 0x7c00) continue;
    const double scale = numeric::half_to_float(static_cast<std::uint16_t>(pattern));
    double error = 0;
    for (std::size_t j = 0; j < x.size() && error < least; ++j) {
      error += nearest_error(x[j], scale, levels) * best::weight_of(importance, static_cast<int>(j));
    }
    least = std::min(least, error);
  }
  return least;
}

/// The least error over every scale that is any real number, of symmetric integer levels: that of the best
/// scale for the nearest levels in the middle between any two points where one of these changes.
template <class Format>
double least_error_of_real_scales(const std::vector<float>& x, const float* importance) {
  constexpr int most = Format::levels::most;
  std::vector<double> changes{0};
  for (const float value : x) {
    for (int k = 0; k < most && value != 0.0f; ++k) changes.push_back((k + 0.5) / std::abs(double{value}));
  }
  std::sort(changes.begin(), changes.end());
  changes.push_back(2 * changes.back());
  double least = HUGE_VAL;
  for (std::size_t i = 0; i + 1 < changes.size(); ++i) {
    const double inverse = 0.5 * (changes[i] + changes[i + 1]);
    std::vector<double> levels(x.size());
    double with_x = 0, squares = 0, error = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double weight = best::weight_of(importance, static_cast<int>(j));
      levels[j] = std::clamp<double>(std::nearbyint(x[j] * inverse), -most, most);
      with_x += weight * levels[j] * x[j];
      squares += weight * levels[j] * levels[j];
    }
    const double scale = squares > 0 ? with_x / squares : 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double rest = x[j] - scale * levels[j];
      error += best::weight_of(importance, static_cast<int>(j)) * rest * rest;
    }
    least = std::min(least, error);
  }
  return least;
}

template <class Format>
void encode(const float* x, const float* importance, block_codes<Format>& codes) {
  std::array<block_codes<Format>, 1> found;
  best::encoder<Format>::encode(x, 1, {importance, 0.0f}, found);
  codes = found[0];
}

template <class Format>
double error_of_best(const std::vector<float>& x, const float* importance) {
  block_codes<Format> codes;
  encode(x.data(), importance, codes);
  gguf::block<Format> stored;
  pack(codes, stored.bytes.data());
  std::vector<float> decoded(x.size());
  decode_block<Format>(stored.bytes.data(), decoded.data());
  return best::weighted_error(x.data(), decoded.data(), importance, Format::elements);
}

double energy(const std::vector<float>& x, const float* importance) {
  const std::vector<float> zeros(x.size());
  return best::weighted_error(x.data(), zeros.data(), importance, static_cast<int>(x.size()));
}

/// Blocks of which the best scale lies at the last level of the greatest element, or far from there.
enum class kind { normal, outlier, shifted, tiny, thirds, ternary, constant, wide, count };

std::vector<float> block_of(kind which, std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(count);
  for (float& value : x) {
    const float drawn = normal(random);
    const auto pick = static_cast<int>(random() % 7) - 3;
    switch (which) {
      case kind::shifted:
        value = 0.02f * drawn + 0.03f;
        break;
      case kind::tiny:
        value = 2e-6f * drawn;
        break;
      case kind::thirds:
        value = 0.37f / 3 * static_cast<float>(pick);
        break;
      case kind::ternary:
        value = 0.37f * static_cast<float>(pick / 2);
        break;
      case kind::constant:
        value = 0.37f;
        break;
      case kind::wide:
        value = 1e-3f * drawn * std::exp(3 * normal(random));
        break;
      default:
        value = 0.02f * drawn;
    }
  }
  if (which == kind::outlier) x[5] = 1.0f;
  return x;
}

// Catches a skipped interval, a bound that cuts off the optimum, a scale that is not the stored one: brute
// force over all 63488 scales (all real ones where the stored one is binary32), without importance, with and
// with one that spans many orders of magnitude; on blocks whose best scale is far larger than that of the
// greatest element at the last level, too, as multiples of a third of it and ternary ones.
template <class Format>
void expect_optimal() {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (int which = 0; which < static_cast<int>(kind::count); ++which) {
    const auto x = block_of(kind{which}, static_cast<std::size_t>(Format::elements), random);
    std::vector<float> mild(x.size()), wild(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) {
      mild[j] = std::exp(2.0f * normal(random));
      wild[j] = std::exp(8.0f * normal(random));
    }
    for (const float* weights :
         {static_cast<const float*>(nullptr), std::as_const(mild).data(), std::as_const(wild).data()}) {
      const double squares = energy(x, weights);
      double least, tolerance = 1e-13 * squares;  // of sums in double
      if constexpr (std::is_same_v<typename Format::scale, float_scale>) {
        least = least_error_of_real_scales<Format>(x, weights);
        tolerance += 0x1p-23 * std::sqrt(least * squares);  // of the scale and the decoded numbers
      } else {
        least = least_error_of_all<Format>(x, weights);
      }
      tolerance += 1e-6 * least;
      EXPECT_NEAR(error_of_best<Format>(x, weights), least, tolerance)
          << "kind " << which
          << (weights == nullptr       ? ""
              : weights == wild.data() ? " wild"
                                       : " mild");
    }
  }
}

TEST(optimal_scale, q4_0_is_the_optimum) {
  expect_optimal<q4_0>();
}
TEST(optimal_scale, q5_0_is_the_optimum) {
  expect_optimal<q5_0>();
}
TEST(optimal_scale, q8_0_is_the_optimum) {
  expect_optimal<q8_0>();
}
TEST(optimal_scale, q8_1_is_the_optimum) {
  expect_optimal<q8_1>();
}
TEST(optimal_scale, q8_k_is_the_optimum) {
  expect_optimal<q8_k>();
}
TEST(optimal_scale, tq2_0_is_the_optimum) {
  expect_optimal<tq2_0>();
}
TEST(optimal_scale, iq4_nl_is_the_optimum) {
  expect_optimal<iq4_nl>();
}
TEST(optimal_scale, q2_0_is_the_optimum) {
  expect_optimal<q2_0>();
}
TEST(optimal_scale, q1_0_is_the_optimum) {
  expect_optimal<q1_0>();
}

// Catches a search that returns a scale for nothing, or divides by it.
TEST(optimal_scale, zeros_have_scale_zero) {
  const std::vector<float> x(32, 0.0f);
  block_codes<q4_0> codes;
  encode(x.data(), nullptr, codes);
  EXPECT_EQ(codes.scale.super, 0.0f);
  EXPECT_EQ(error_of_best<q4_0>(x, nullptr), 0.0);
}

// Catches a scale of infinity where the elements exceed what binary16 can scale.
TEST(optimal_scale, huge_elements_get_the_greatest_finite_scale) {
  std::vector<float> x(32, 1e7f);
  block_codes<q4_0> codes;
  encode(x.data(), nullptr, codes);
  EXPECT_EQ(std::abs(codes.scale.super), 65504.0f);
}

}  // namespace
