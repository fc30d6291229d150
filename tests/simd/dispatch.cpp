// How tables of operations are built, with one made up here, and that every table of the library is built so.
// That each version gives the bits of the portable one is in the tests of the headers that have tables.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/lanes/halves.hpp>
#include <bitgauge/simd/levels.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/row.hpp>
#include <bitgauge/simd/sums/code_sums.hpp>
#include <bitgauge/simd/sums/level_sums.hpp>
#include <bitgauge/simd/sums/value_sums.hpp>
#include <bitgauge/simd/translate.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

namespace bitgauge::simd {
namespace {

std::string plain() {
  return "portable";
}
std::string of_avx2() {
  return "avx2";
}
std::string of_avx512() {
  return "avx512";
}
std::string of_vbmi() {
  return "avx512_vbmi";
}
std::string of_neon() {
  return "neon";
}

struct made_up_operations {
  std::string (*first)() = plain;
  std::string (*second)() = plain;
  std::string (*third)() = plain;
};

}  // namespace

template <>
constexpr void improve<instruction_set::avx2>(made_up_operations& operations) {
  operations.first = operations.second = of_avx2;
}
template <>
constexpr void improve<instruction_set::avx512>(made_up_operations& operations) {
  operations.second = of_avx512;
}
template <>
constexpr void improve<instruction_set::avx512_vbmi>(made_up_operations& operations) {
  operations.third = of_vbmi;
}
template <>
constexpr void improve<instruction_set::neon>(made_up_operations& operations) {
  operations.first = of_neon;
}

namespace {

constexpr operation_table<made_up_operations> made_up;

// A set without a version of its own, between two that have one (avx512_vnni), above all (amx) or in another
// family (neon_dotprod), gets for each operation the one of the nearest set below.
// Catches a fall to portable, to the other family, or of all operations together.
TEST(dispatch, operations_are_inherited_one_by_one) {
  using enum instruction_set;
  const auto expect = [](instruction_set set, const char* first, const char* second, const char* third) {
    EXPECT_EQ(made_up.of(set).first(), first) << name_of(set);
    EXPECT_EQ(made_up.of(set).second(), second) << name_of(set);
    EXPECT_EQ(made_up.of(set).third(), third) << name_of(set);
  };
  expect(portable, "portable", "portable", "portable");
  expect(neon, "neon", "portable", "portable");
  expect(neon_dotprod, "neon", "portable", "portable");
  expect(neon_i8mm, "neon", "portable", "portable");
  expect(avx2, "avx2", "avx2", "portable");
  expect(avx2_vnni, "avx2", "avx2", "portable");
  expect(avx512, "avx2", "avx512", "portable");
  expect(avx512_vnni, "avx2", "avx512", "portable");
  expect(avx512_vbmi, "avx2", "avx512", "avx512_vbmi");
  expect(amx, "avx2", "avx512", "avx512_vbmi");
}

// Catches a table that does not follow the set in use.
TEST(dispatch, the_set_in_use_is_called) {
  for (const instruction_set set : available()) {
    const scoped_instruction_set use(set);
    EXPECT_EQ(&made_up.in_use(), &made_up.of(set));
    EXPECT_EQ(&row_kernels(), &row_table.of(set));
  }
}

#if BITGAUGE_X86
// Catches a version that is written but not put into its table, or put in at another set than its own.
TEST(dispatch, every_version_is_in_its_table) {
  using enum instruction_set;
  const auto& row = row_table;
  const auto& bits = bit_table;
  EXPECT_EQ(row.of(avx2).encode, avx2::encode);
  EXPECT_EQ(row.of(avx2).scales, portable::scales);
  EXPECT_EQ(row.of(avx512).encode, avx512::encode);
  EXPECT_EQ(row.of(avx512).scales, avx512::scales);
  EXPECT_EQ(bits.of(avx512).pack, avx2::pack);
  EXPECT_EQ(bits.of(avx512_vnni).pack, avx2::pack);
  EXPECT_EQ(transpose_table.of(avx512_vnni).transpose, avx512::transpose);
  EXPECT_EQ(bits.of(avx512_vbmi).unpack, avx512_vbmi::unpack);
  EXPECT_EQ(bits.of(amx).unpack, avx512_vbmi::unpack);
  EXPECT_EQ(extent_table.of(amx).extents, avx512::extents);
  EXPECT_EQ(extent_table.of(neon_dotprod).extents, portable::extents);
  EXPECT_EQ(code_sum_table.of(avx2).code_sums, avx2::code_sums);
  EXPECT_EQ(code_sum_table.of(avx2).best_gain, portable::best_gain);
  EXPECT_EQ(code_sum_table.of(avx512_vnni).best_gain, avx512::best_gain);
  EXPECT_EQ(level_sum_table.of(avx2).level_sums, avx2::level_sums);
  EXPECT_EQ(level_sum_table.of(amx).level_sums, avx512::level_sums);
  EXPECT_EQ(value_sum_table.of(avx2).sum_values, portable::sum_values);
  EXPECT_EQ(value_sum_table.of(avx512_vnni).sum_values, avx512::sum_values);
  EXPECT_EQ(level_decoding_table.of(avx2).decode_levels, portable::decode_levels);
  EXPECT_EQ(level_decoding_table.of(avx512_vnni).decode_levels, avx512::decode_levels);
  EXPECT_EQ(level_decoding_table.of(amx).decode_levels, avx512_vbmi::decode_levels);
  EXPECT_EQ(level_table.of(amx).encode_many_levels, avx512::encode_many_levels);
  EXPECT_EQ(half_table.of(avx512_vbmi).nearest_halves, avx2::nearest_halves);
  EXPECT_EQ(translate_table.of(avx512_vbmi).translate, avx2::translate);
}
#endif

// Catches a body that is not run, or run at another width than that of the set in use.
TEST(dispatch, multiversion_runs_at_the_width_of_the_set) {
  for (const instruction_set set : available()) {
    const scoped_instruction_set use(set);
    int width = 0;
    multiversion([&](auto bytes) __attribute__((always_inline)) { width = bytes; });
#if BITGAUGE_MULTIVERSION
    const bool wide = implies(set, instruction_set::avx512), middle = implies(set, instruction_set::avx2);
    EXPECT_EQ(width, wide ? 64 : middle ? 32 : 16) << name_of(set);
#else
    EXPECT_EQ(width, 16);
#endif
  }
}

}  // namespace
}  // namespace bitgauge::simd
