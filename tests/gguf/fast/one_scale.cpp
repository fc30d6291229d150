#include <bitgauge/gguf/fast/search.hpp>
#include <bitgauge/gguf/format/formats.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
namespace fast = gguf::fast;

double weight_of(const float* weight, std::size_t j) {
  return weight == nullptr ? 1.0 : static_cast<double>(weight[j]);
}

/// The error of a block under the levels nearest to x / scale, in double.
template <class Format>
double error_under(double scale, const float* x, const float* weight) {
  using set = gguf::level_set<typename Format::levels>;
  double error = 0;
  for (std::size_t j = 0; j < Format::elements; ++j) {
    double level = 0;
    if constexpr (std::same_as<Format, gguf::q1_0>) {
      level = x[j] < 0.0f ? -1 : 1;
    } else if (scale != 0) {
      level = std::clamp<double>(std::nearbyint(static_cast<double>(x[j]) / scale), set::least, set::most);
    }
    const double difference = static_cast<double>(x[j]) - scale * level;
    error += weight_of(weight, j) * difference * difference;
  }
  return error;
}

/// The errors of the blocks of a row, decoded by the definition of the format.
template <class Format>
std::vector<double> found_errors(const std::vector<float>& x, const float* weight) {
  const std::size_t blocks = x.size() / Format::elements;
  std::vector<std::uint8_t> bytes(blocks * Format::bytes);
  gguf::encode_with<Format, fast::encoder<Format>>(x.data(), static_cast<bitgauge::index_t>(x.size()),
                                                   {weight, 0}, bytes.data());
  std::vector<double> errors(blocks, 0.0);
  for (std::size_t b = 0; b < blocks; ++b) {
    gguf::block_codes<Format> codes;
    gguf::unpack<Format>(bytes.data() + b * Format::bytes, codes);
    std::array<std::int8_t, Format::elements> levels;
    codes.levels(levels.data());
    for (std::size_t j = 0; j < Format::elements; ++j) {
      const std::size_t at = b * Format::elements + j;
      const double difference = static_cast<double>(x[at]) -
                                static_cast<double>(codes.scale_of(0)) * static_cast<double>(levels[j]);
      errors[b] += weight_of(weight, at) * difference * difference;
    }
  }
  return errors;
}

/// The least error over all scales under which the extreme is `from` to `to` levels, with both signs: every
/// binary16 number among them.
template <class Format>
double least_error(const float* x, const float* weight, double from, double to) {
  double extreme = 0;
  for (std::size_t j = 0; j < Format::elements; ++j)
    extreme = std::max(extreme, std::abs(static_cast<double>(x[j])));
  double least = error_under<Format>(0, x, weight);
  for (std::uint16_t pattern = 0; pattern < 0x7c00; ++pattern) {
    const auto scale = static_cast<double>(numeric::half_to_float(pattern));
    if (scale * to < extreme || scale * from > extreme) continue;
    least = std::min({least, error_under<Format>(scale, x, weight), error_under<Format>(-scale, x, weight)});
  }
  return least;
}

/// Calls check<Format>(blocks, from, to, rule): how many blocks to try, where the optimum is looked for, and
/// on which level ggml puts the extreme.
template <class Check>
void for_each_format(const Check& check) {
  check.template operator()<gguf::q4_0>(16, 4, 20, -8);
  check.template operator()<gguf::q5_0>(16, 8, 30, -16);
  check.template operator()<gguf::q8_0>(40, 64, 136, 127);
  check.template operator()<gguf::q1_0>(2, 0.9, 20, 1);
  check.template operator()<gguf::q2_0>(6, 0.9, 20, 1);
  check.template operator()<gguf::tq2_0>(2, 0.9, 20, 1);
}

// Catches trials that leave a gap where the optimum lies, a least-squares scale that is none, weights that do
// not count, and a scale that was right before it was rounded: against every binary16 scale, in double.
TEST(fast_one_scale, near_the_optimum) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::student_t_distribution<float> student(4);
  for_each_format([&]<class Format>(std::size_t blocks, double from, double to, float) {
    for (const bool heavy_tails : {false, true}) {
      std::vector<float> x(blocks * Format::elements), weight(x.size());
      for (float& value : x) value = heavy_tails ? student(random) : normal(random);
      for (float& w : weight) w = std::exp(normal(random));
      for (const float* w : {static_cast<const float*>(nullptr), static_cast<const float*>(weight.data())}) {
        const std::vector<double> found = found_errors<Format>(x, w);
        double sum = 0, least = 0;
        for (std::size_t b = 0; b < found.size(); ++b) {
          const std::size_t first = b * Format::elements;
          const double optimum =
              least_error<Format>(x.data() + first, w == nullptr ? w : w + first, from, to);
          EXPECT_GE(found[b], optimum * (1 - 1e-6));
          sum += found[b];
          least += optimum;
        }
        const double allowed = w == nullptr ? 1.01 : 1.02;
        EXPECT_LE(std::sqrt(sum / least), allowed)
            << gguf::traits_of(Format::type).name << " " << heavy_tails;
      }
    }
  });
}

// Catches a search that loses to the rule it replaces, on any block: by a trial that is kept for a gain
// smaller than the rounding of its sums, or by a scale that suffers more from binary16.
TEST(fast_one_scale, never_more_error_than_the_rule) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for_each_format([&]<class Format>(std::size_t, double, double, float rule_level) {
    std::vector<float> x(static_cast<std::size_t>(Format::elements) * 96), weight(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t b = i / Format::elements, j = i % Format::elements;
      const float magnitude =
          std::ldexp(1.0f, static_cast<int>(b / 6) * 3 - 24);  // from where binary16 ends to 2^21
      switch (b % 6) {
        case 0:
          x[i] = normal(random);
          break;
        case 1:
          x[i] = j == 3 ? -150.0f : 0.3f * normal(random);
          break;
        case 2:
          x[i] = 1.0f + 0x1p-12f;
          break;
        case 3:
          x[i] = j % 2 == 0 ? -1.0f : 1.0f;
          break;
        case 4:
          x[i] = j == 5 ? 1.37f : 0.0f;
          break;
        default:
          x[i] = static_cast<float>(static_cast<int>(random() % 9) - 4);
          break;
      }
      x[i] *= magnitude;
      weight[i] = std::exp(2 * normal(random));
    }
    for (const float* w : {static_cast<const float*>(nullptr), static_cast<const float*>(weight.data())}) {
      const std::vector<double> found = found_errors<Format>(x, w);
      for (std::size_t b = 0; b < found.size(); ++b) {
        const float* block = x.data() + b * Format::elements;
        float extreme = 0;
        for (std::size_t j = 0; j < Format::elements; ++j)
          if (std::abs(block[j]) > std::abs(extreme)) extreme = block[j];
        const float rule = gguf::nearest_half(extreme / rule_level);
        const double allowed = error_under<Format>(static_cast<double>(rule), block,
                                                   w == nullptr ? w : w + b * Format::elements);
        // levels are chosen by x times the inverse, and may differ from the oracle's where two are as near to
        // 1e-6
        EXPECT_LE(found[b], allowed * (1 + 1e-6)) << gguf::traits_of(Format::type).name << " block " << b;
      }
    }
  });
}

}  // namespace
