#include <bitgauge/gguf/search/nearest_codeword.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace {

using namespace bitgauge::gguf;

/// Every entry, element by element.
template <const auto& Codebook>
double least_error_of_all(const double* y, const double* weight, double scale, int shift) {
  double least = HUGE_VAL;
  for (const auto& vector : codebook_vectors<Codebook>) {
    double error = 0;
    for (std::size_t i = 0; i < vector.size(); ++i) {
      const double difference = y[i] - scale * (vector[i] + shift);
      error += weight[i] * difference * difference;
    }
    least = std::min(least, error);
  }
  return least;
}

// Catches a half that is taken from the wrong bits, an entry lost in the sorting, a bound that is too sharp.
template <const auto& Codebook>
void expect_nearest(int shift) {
  std::mt19937 random(17);
  std::normal_distribution<double> normal;
  for (int trial = 0; trial < 300; ++trial) {
    std::array<double, 8> y, weight;
    for (std::size_t i = 0; i < 8; ++i) {
      y[i] = normal(random);
      weight[i] = std::exp(normal(random));
    }
    const double scale = (0.5 + 0.004 * trial) * 2.0 / Codebook.levels.back();
    const auto found = best::search_codebook<Codebook>(y.data(), weight.data(), scale, shift);
    const double least = least_error_of_all<Codebook>(y.data(), weight.data(), scale, shift);
    ASSERT_NEAR(found.error, least, 1e-12 * least);
    double error = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(Codebook.dimension); ++i) {
      const double difference = y[i] - scale * (codebook_vectors<Codebook>[found.index][i] + shift);
      error += weight[i] * difference * difference;
    }
    ASSERT_NEAR(error, least, 1e-12 * least);
  }
}

TEST(level_scale_search, finds_the_nearest_entry) {
  expect_nearest<iq2_xxs_codebook>(0);
  expect_nearest<iq2_xs_codebook>(0);
  expect_nearest<iq2_s_codebook>(0);
  expect_nearest<iq3_xxs_codebook>(0);
  expect_nearest<iq3_s_codebook>(0);
  expect_nearest<iq1_codebook>(1);
  expect_nearest<iq1_codebook>(-1);
}

}  // namespace
