// A type that ggml does not know is one description: what follows from it, and nothing more is written for it.

#include <bitgauge/gguf/encode_blocks.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace {

using namespace bitgauge::gguf;
using bitgauge::effort;

/// Three bits an element, sixteen sub-blocks with a scale of eight bits under a binary16 super-scale.
struct three_bits : block_layout<super_scale<code_layout<single(112, 16)>, code_layout<plane(96, 8, 16, 16)>,
                                             factor_rule{.is_signed = true}>,
                                 integer_levels<code_layout<bit_field{0, 3, {256, 3}}>, 4, -4, 3>> {};
/// The same with factors from 0 up.
struct three_bits_positive
    : block_layout<super_scale<code_layout<single(112, 16)>, code_layout<plane(96, 8, 16, 16)>>,
                   integer_levels<code_layout<bit_field{0, 3, {256, 3}}>, 4, -4, 3>> {};
/// Eight sub-blocks with a scale and a minimum of eight bits each, under two super-scales.
struct three_bits_min
    : block_layout<super_scale<code_layout<single(112, 16)>, code_layout<plane(96, 8, 8, 8)>>,
                   integer_levels<code_layout<bit_field{0, 3, {256, 3}}>, 0, 0, 7>,
                   subtracted<super_scale<code_layout<single(114, 16)>, code_layout<plane(104, 8, 8, 8)>>>> {
};
/// One scale for 64 elements of three bits.
struct three_bits_one_scale : block_layout<half_scale<code_layout<single(24, 16)>>,
                                           integer_levels<code_layout<bit_field{0, 3, {64, 3}}>, 4, -4, 3>> {
};

static_assert(three_bits::bits_per_weight() == 3 + 16 * 8 / 256.0 + 16 / 256.0 && three_bits::bytes == 114);
static_assert(three_bits_min::bits_per_weight() == 3 + 2 * (8 * 8 + 16) / 256.0);
static_assert(three_bits_one_scale::bits_per_weight() == 3.25 && !three_bits::has_reference);

/// Element j of a block by the definition of the types above, bit by bit and in double.
template <class Format>
double decoded_by_definition(const std::uint8_t* bytes, int j) {
  const auto half = [&](int at) {
    const int pattern = bytes[at] | bytes[at + 1] << 8, exponent = pattern >> 10 & 31,
              fraction = pattern & 1023;
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return pattern >= 0x8000 ? -magnitude : magnitude;
  };
  int code = 0;
  for (int b = 0; b < 3; ++b) code |= (bytes[(3 * j + b) / 8] >> ((3 * j + b) % 8) & 1) << b;
  if constexpr (std::same_as<Format, three_bits_one_scale>) {
    return half(24) * (code - 4);
  } else if constexpr (std::same_as<Format, three_bits_min>) {
    return half(112) * bytes[96 + j / 32] * code - half(114) * bytes[104 + j / 32];
  } else {
    const int factor = bytes[96 + j / 16];
    return half(112) * (std::same_as<Format, three_bits> && factor >= 128 ? factor - 256 : factor) *
           (code - 4);
  }
}

/// The blocks of one kind that a test meets: Gaussian, heavy tails, all above zero, far from it.
std::vector<float> elements(int kind, std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(kind));
  std::normal_distribution<float> normal;
  std::student_t_distribution<float> heavy(4);
  std::vector<float> x(count);
  for (float& value : x) {
    value = 0.02f * (kind == 1 ? heavy(random) : normal(random));
    if (kind >= 2) value = std::abs(value) + (kind == 3 ? 0.1f : 0.0f);
  }
  return x;
}

/// sum w (x - q)^2 of each block as decoded by the definition.
template <class Format>
std::vector<double> errors_of(const std::vector<float>& x, const std::vector<float>& weights,
                              const std::uint8_t* bytes) {
  std::vector<double> errors(x.size() / Format::elements);
  for (std::size_t j = 0; j < x.size(); ++j) {
    const std::size_t b = j / Format::elements;
    const double rest = x[j] - decoded_by_definition<Format>(bytes + b * Format::bytes,
                                                             static_cast<int>(j % Format::elements));
    errors[b] += (weights.empty() ? 1.0 : static_cast<double>(weights[j])) * rest * rest;
  }
  return errors;
}

/// The error of absmax with exact scales: each sub-block's greatest magnitude at the last level below zero,
/// or its extremes at the first and the last level.
template <class Format>
double absmax_error(const std::vector<float>& x, const std::vector<float>& weights) {
  constexpr double most = Format::levels::most, least = Format::levels::least;
  double error = 0;
  for (std::size_t first = 0; first < x.size(); first += Format::sub_block) {
    const auto [low, high] = std::minmax_element(&x[first], &x[first] + Format::sub_block);
    const double minimum = Format::has_minimum ? std::min(double{*low}, 0.0) : 0.0;
    const double scale = Format::has_minimum
                             ? (*high - minimum) / most
                             : std::max(-double{*low}, double{*high}) / std::min(most, -least);
    for (std::size_t j = first; j < first + Format::sub_block; ++j) {
      const double level = std::clamp(std::nearbyint((x[j] - minimum) / scale), least, most);
      const double rest = x[j] - minimum - scale * level;
      error += (weights.empty() ? 1.0 : static_cast<double>(weights[j])) * rest * rest;
    }
  }
  return error;
}

template <class Format>
class new_type : public testing::Test {};
using new_types = testing::Types<three_bits, three_bits_positive, three_bits_min, three_bits_one_scale>;
TYPED_TEST_SUITE(new_type, new_types);

// Catches sizes or places of a composition that hold only for ggml's types: bits that no field owns or two
// fields share, and a decoder that reads others than the definition.
TYPED_TEST(new_type, is_packed_and_decoded_by_its_description) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    block<TypeParam> stored, again;
    for (auto& byte : stored.bytes) byte = static_cast<std::uint8_t>(random());
    for (const std::size_t at : {stored.bytes.size() - 1, stored.bytes.size() - 3})
      stored.bytes[at] = static_cast<std::uint8_t>(stored.bytes[at] & 0xbb);  // no NaN
    block_codes<TypeParam> codes;
    unpack(stored.bytes.data(), codes);
    pack(codes, again.bytes.data());
    EXPECT_EQ(stored.bytes, again.bytes);
    std::array<float, TypeParam::elements> out;
    decode_block<TypeParam>(stored.bytes.data(), out.data());
    for (int j = 0; j < TypeParam::elements; ++j) {
      const double expected = decoded_by_definition<TypeParam>(stored.bytes.data(), j);
      // three roundings to float, of terms up to eight times as large
      EXPECT_NEAR(double{out[static_cast<std::size_t>(j)]}, expected,
                  0x1p-22 * std::abs(expected) +
                      0x1p-20 * std::abs(double{codes.minimum_of(j / TypeParam::sub_block)}));
    }
  }
}

// Catches an effort that a new description does not have, or that does less than the one below it, effort::best
// on any block: by the definition, in double.
TYPED_TEST(new_type, has_every_effort) {
  constexpr std::size_t count = 8 * 256;
  for (const int kind : {0, 1, 2, 3}) {
    const auto x = elements(kind, count);
    std::vector<float> weights(count);
    for (std::size_t j = 0; j < count; ++j) weights[j] = 0.1f + static_cast<float>(j * 7 % 11);
    for (const auto& w : {std::vector<float>{}, weights}) {
      const auto errors = [&](effort chosen) {
        std::vector<std::uint8_t> bytes(count / TypeParam::elements * TypeParam::bytes);
        encode_blocks<TypeParam>(x.data(), count, w.empty() ? nullptr : w.data(), chosen, bytes.data());
        return errors_of<TypeParam>(x, w, bytes.data());
      };
      const auto fast = errors(effort::fast), normal = errors(effort::normal), best = errors(effort::best);
      const auto total = [](const std::vector<double>& all) {
        return std::accumulate(all.begin(), all.end(), 0.0);
      };
      EXPECT_LT(total(normal), absmax_error<TypeParam>(x, w)) << "kind " << kind;
      EXPECT_LE(total(normal), total(fast)) << "kind " << kind;
      EXPECT_LE(total(best), total(normal)) << "kind " << kind;
      for (std::size_t b = 0; b < best.size(); ++b)
        EXPECT_LE(best[b], 1.000001 * normal[b]) << "kind " << kind << " block " << b;
    }
  }
}

}  // namespace
