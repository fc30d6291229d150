#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include "support/each_instruction_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace bitgauge;
using sixteen = std::array<float, 16>;

/// sum += product, lane by lane.
sixteen product_and_sum(const sixteen& a, const sixteen& b, const sixteen& c) {
  sixteen out{};
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    (lanes::load(a.data()) * lanes::load(b.data()) + lanes::load(c.data())).store(out.data());
  });
  return out;
}

// Catches a fused multiply-add: (1 + e)^2 - (1 + 2 e) is e^2 exactly, but 0 where the product is rounded.
TEST(lanes, a_product_is_rounded_before_the_sum) {
  const float e = std::ldexp(1.0f, -20);
  sixteen a, c;
  a.fill(1 + e);
  c.fill(-(1 + 2 * e));
  test::on_each_instruction_set([&] {
    for (const float value : product_and_sum(a, a, c)) EXPECT_EQ(value, 0.0f);
  });
}

// Catches lanes in another order, an operation of too few lanes, and another tie.
TEST(lanes, operations_are_those_of_each_lane) {
  sixteen a, b;
  for (std::size_t i = 0; i < 16; ++i) {
    a[i] = static_cast<float>(i) * 0.5f - 4.0f;
    b[i] = 3.0f - static_cast<float>(i * i % 7);
  }
  test::on_each_instruction_set([&] {
    std::array<sixteen, 6> out;
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<width()>;
      const auto x = lanes::load(a.data()), y = lanes::load(b.data());
      x.rounded().store(out[0].data());
      smaller(x, y).store(out[1].data());
      greater(x, y).store(out[2].data());
      where_less(x, y, lanes::all(1.0f), lanes::all(-0.0f)).store(out[3].data());
      (x - y).store(out[4].data());
      (x / y).store(out[5].data());
    });
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(out[0][i], std::nearbyint(a[i]));
      EXPECT_EQ(out[1][i], std::min(a[i], b[i]));
      EXPECT_EQ(out[2][i], std::max(a[i], b[i]));
      EXPECT_EQ(std::bit_cast<std::uint32_t>(out[3][i]), a[i] < b[i] ? 0x3f800000u : 0x80000000u);
      EXPECT_EQ(out[4][i], a[i] - b[i]);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(out[5][i]), std::bit_cast<std::uint32_t>(a[i] / b[i]));
    }
  });
}

// Catches bytes without their sign, and a zero point that is added.
TEST(lanes, bytes_become_floats) {
  std::array<std::int8_t, 16> bytes;
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::int8_t>(static_cast<int>(i * 16) - 128);
  test::on_each_instruction_set([&] {
    std::array<sixteen, 2> out;
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<width()>;
      lanes::from_bytes(bytes.data(), 0).store(out[0].data());
      lanes::from_bytes(bytes.data(), -7).store(out[1].data());
    });
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(out[0][i], static_cast<float>(bytes[i]));
      EXPECT_EQ(out[1][i], static_cast<float>(bytes[i]) + 7);
    }
  });
}

// Catches a tie that goes away from zero, an end that is not kept (also by numbers whose sum with 1.5 * 2^23
// changes its sign or is infinite), and a NaN that leaves the range.
TEST(lanes, nearest_within_two_ends) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  std::vector<float> values{infinite, -infinite, 1e30f, -1e30f, 2e7f, -2e7f, 4194303.0f, -4194303.0f, -0.0f};
  for (int i = -150; i <= 150; ++i) values.push_back(static_cast<float>(i) / 4);
  for (int i = -20; i < 20; ++i) {
    const float half_way = static_cast<float>(i) + 0.5f;
    values.push_back(std::nextafter(half_way, infinite));
    values.push_back(std::nextafter(half_way, -infinite));
  }
  while (values.size() % 16 != 0) values.push_back(0.0f);
  sixteen not_numbers;
  not_numbers.fill(std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::array<int, 2>> ranges{{0, 15}, {-8, 7}, {-16, 15}, {-127, 127}, {-1, 1}, {3, 3}};
  for (const auto [least, most] : ranges) {
    test::on_each_instruction_set([&, least = least, most = most] {
      std::vector<float> found(values.size());
      sixteen of_nan;
      simd::multiversion([&](auto width) __attribute__((always_inline)) {
        using lanes = simd::lanes<width()>;
        for (std::size_t i = 0; i < values.size(); i += 16) {
          lanes::load(&values[i]).nearest_within(least, most).store(&found[i]);
        }
        lanes::load(not_numbers.data()).nearest_within(least, most).store(of_nan.data());
      });
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(found[i], std::clamp<float>(std::nearbyint(values[i]), static_cast<float>(least),
                                              static_cast<float>(most)))
            << values[i];
      }
      for (const float value : of_nan) {
        EXPECT_TRUE(value == static_cast<float>(least) || value == static_cast<float>(most)) << value;
      }
    });
  }
}

}  // namespace
