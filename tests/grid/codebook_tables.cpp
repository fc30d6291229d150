#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/grid.hpp>

#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;

static_assert(plain_grid<nf4> && plain_grid<fp4> && plain_grid<dynamic8> && plain_grid<dynamic8_unsigned>);

/// The quantile function of N(0, 1) by bisection of its distribution function.
double normal_quantile(double probability) {
  double low = -10, high = 10;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < probability ? low : high) = middle;
  }
  return low;
}

// Catches a mistyped level: the table follows from NF4's definition. Its authors computed the probabilities
// in binary32, where half a unit in the last place, 2^-25, moves the outermost quantile by up to 2e-7.
TEST(codebook_tables, nf4_follows_from_its_definition) {
  const double d = 1 - (1.0 / 32 + 1.0 / 30) / 2, largest = normal_quantile(d);
  for (int i = 1; i <= 8; ++i)
    EXPECT_NEAR(nf4{}.level(7 + i), normal_quantile(0.5 + i * (d - 0.5) / 8) / largest, 3e-7) << i;
  for (int i = 1; i <= 7; ++i)
    EXPECT_NEAR(nf4{}.level(7 - i), -normal_quantile(0.5 + i * (d - 0.5) / 7) / largest, 3e-7) << i;
  EXPECT_EQ(nf4{}.level(7), 0.0f);
}

// Catches FP4 fields out of order: the value follows from the bits. Exponent 0 is subnormal; a twelfth scales
// 12 to 1.
TEST(codebook_tables, fp4_follows_from_its_bits) {
  constexpr double magnitude[] = {0, 0.0625, 8, 12, 4, 6, 2, 3};  // bitsandbytes' order of exponents
  for (int field = 0; field < 16; ++field) {
    const double sign = (field & 8) != 0 ? -1 : 1;
    EXPECT_EQ(fp4{}.level(field), static_cast<float>(sign * magnitude[field & 7] / 12)) << field;
  }
}

// Catches any difference from bitsandbytes' own tables; the manifest allows the dynamic maps 1 ulp, we need
// none.
TEST(codebook_tables, agree_with_the_reference) {
  const auto outputs = test::cases_of("nf4", "code_tables").front()["outputs"];
  const auto expect_table = [&](const char* name, const auto& grid) {
    const auto expected = test::load_matrix<float>("nf4", outputs[name]);
    ASSERT_EQ(expected.size(), 1 << grid.bits());
    for (int field = 0; field < expected.size(); ++field)
      EXPECT_EQ(grid.level(field), expected(field)) << name << " " << field;
  };
  expect_table("nf4_code", nf4{});
  expect_table("fp4_code", fp4{});
  expect_table("dynamic_signed", dynamic8{});
  expect_table("dynamic_unsigned", dynamic8_unsigned{});
}

}  // namespace
