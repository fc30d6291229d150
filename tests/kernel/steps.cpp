#include "support/emulated_amx.hpp"
#include "support/product_steps.hpp"

#include <gtest/gtest.h>

// Every set that this processor has, by shapes of 1 to 70 rows and mostly as many columns, 1 to 8 bits, zero
// points, levels, offsets, scales of 16 bits, and codes that are all lowest or all highest.
// Catches a sum of products that saturates, a tail of samples or units that is left out, a parameter of
// another group, and a value written behind the last.
TEST(product_steps, are_what_they_mean_on_every_set) {
  for (const auto set : bitgauge::simd::available()) EXPECT_EQ(test::fault_of_steps(set, 2000), "");
  if (!test::emulated_amx::possible()) return;
  const test::emulated_amx use;
  EXPECT_EQ(test::fault_of_steps(bitgauge::simd::instruction_set::amx, 2000), "");
}

// Catches a version that is written but not put into its table, or put in at another set than its own.
TEST(product_steps, every_version_is_in_its_table) {
  using enum bitgauge::simd::instruction_set;
  using namespace bitgauge::kernel;
  const auto of = [](auto set) -> const product_operations& { return product_table.of(set); };
  EXPECT_EQ(of(portable).multiply_codes, bitgauge::kernel::portable::multiply_codes);
  EXPECT_EQ(of(portable).multiplies_packed, nullptr);
#if BITGAUGE_X86
  EXPECT_EQ(of(avx2).multiply_codes, bitgauge::kernel::avx2::multiply_codes);
  EXPECT_EQ(of(avx2_vnni).multiply_codes, bitgauge::kernel::avx2_vnni::multiply_codes);
  EXPECT_EQ(of(avx2_vnni).multiply_packed_codes, bitgauge::kernel::avx2_vnni::multiply_packed_codes);
  EXPECT_EQ(of(avx2_vnni).multiply_floats, bitgauge::kernel::avx2::multiply_floats);
  EXPECT_EQ(of(avx512).multiply_codes, bitgauge::kernel::avx512::multiply_codes);
  EXPECT_EQ(of(avx512).multiply_packed_codes, bitgauge::kernel::avx2::multiply_packed_codes);
  EXPECT_EQ(of(avx512_vnni).multiply_codes, bitgauge::kernel::avx512_vnni::multiply_codes);
  EXPECT_EQ(of(amx).multiply_floats, bitgauge::kernel::avx512::multiply_floats);
  EXPECT_EQ(of(neon).multiply_codes, bitgauge::kernel::portable::multiply_codes);
#endif
}
