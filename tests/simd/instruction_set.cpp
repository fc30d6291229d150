#include <bitgauge/simd/instruction_set.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace bitgauge::simd {
namespace {

using enum instruction_set;

// Catches a set that lacks what one before it has, and an order among sets that have nothing in common.
TEST(instruction_set, is_ordered_by_inclusion) {
  const instruction_set x86[] = {portable, avx2, avx512, avx512_vnni, avx512_vbmi, amx},
                        x86_without_avx512[] = {portable, avx2, avx2_vnni},
                        of_arm[] = {portable, neon, neon_dotprod, neon_i8mm};
  const auto expect_chain = [](const auto& chain) {
    for (std::size_t i = 0; i < std::size(chain); ++i)
      for (std::size_t j = 0; j < std::size(chain); ++j)
        EXPECT_EQ(implies(chain[i], chain[j]), j <= i) << name_of(chain[i]) << " " << name_of(chain[j]);
  };
  expect_chain(x86);
  expect_chain(x86_without_avx512);
  expect_chain(of_arm);
  for (const instruction_set set : {avx512, avx512_vnni, avx512_vbmi, amx}) {
    EXPECT_FALSE(implies(set, avx2_vnni)) << name_of(set);
    EXPECT_FALSE(implies(avx2_vnni, set)) << name_of(set);
  }
  EXPECT_FALSE(implies(amx, neon));
  EXPECT_FALSE(implies(neon_dotprod, avx2));
  EXPECT_STREQ(name_of(avx512_vnni), "avx512_vnni");
}

// Registers as the manual's tables of CPUID and XCR0 have them: AVX, OSXSAVE, FMA, F16C; AVX2, BMI2, AVX-512
// F, DQ, BW, VL. Catches a wrong bit, and registers that the system does not save taken for usable.
TEST(instruction_set, x86_features_need_processor_and_system) {
  using x86::cpuid_answers, x86::features_of;
  const std::uint32_t haswell_1 = 1u << 27 | 1u << 28 | 1u << 12 | 1u << 29, haswell_7 = 1u << 5 | 1u << 8,
                      skylake_7 = haswell_7 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  const std::uint64_t avx_state = 0x7, avx512_state = 0xe7, tile_state = 0x600e7;
  const std::uint32_t vnni = 1u << 11, vbmi = 1u << 1, tiles = 1u << 24 | 1u << 25 | 1u << 22, bf16 = 1u << 5;
  const auto features = [](instruction_set set) { return detail::tier_of(set).features; };

  EXPECT_EQ(features_of({}), 0u);
  EXPECT_EQ(features_of({haswell_1, haswell_7, 0, 0, avx_state}), features(avx2));
  EXPECT_EQ(features_of({haswell_1, haswell_7, 0, 0, avx_state, 1u << 4}), features(avx2_vnni));
  EXPECT_EQ(features_of({haswell_1, haswell_7, 0, 0, 0x1, 1u << 4}), 0u);
  EXPECT_EQ(features_of({haswell_1, haswell_7, 0, 0, 0x1}), 0u);  // a system that saves SSE alone
  EXPECT_EQ(features_of({haswell_1 & ~(1u << 29), haswell_7, 0, 0, avx_state}), 0u);
  EXPECT_EQ(features_of({haswell_1, skylake_7, vnni, 0, avx_state}), features(avx2));
  EXPECT_EQ(features_of({haswell_1, skylake_7, 0, 0, avx512_state}), features(avx512));
  EXPECT_EQ(features_of({haswell_1, skylake_7 & ~(1u << 31), 0, 0, avx512_state}), features(avx2));
  EXPECT_EQ(features_of({haswell_1, skylake_7, vnni, 0, avx512_state}), features(avx512_vnni));
  EXPECT_EQ(features_of({haswell_1, skylake_7, vbmi, 0, avx512_state}), features(avx512) | feature::vbmi);
  EXPECT_EQ(features_of({haswell_1, skylake_7, vnni | vbmi, tiles, avx512_state}), features(avx512_vbmi));
  EXPECT_EQ(features_of({haswell_1, skylake_7, vnni | vbmi, tiles, tile_state, bf16}), features(amx));
  EXPECT_EQ(features_of({haswell_1, skylake_7, vnni | vbmi, tiles, tile_state}), features(avx512_vbmi));
  EXPECT_EQ(features_of({haswell_1, skylake_7, vnni | vbmi, 1u << 24, tile_state, bf16}),
            features(avx512_vbmi));
}

#if BITGAUGE_X86
// The compiler's own knowledge of the processor. Catches registers asked for or read in another way.
TEST(instruction_set, agrees_with_the_compiler) {
  const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                          __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  const bool has_vnni = has_avx512 && __builtin_cpu_supports("avx512vnni") != 0;
  EXPECT_EQ(supports(avx2), __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(supports(avx512), has_avx512);
  EXPECT_EQ(supports(avx512_vnni), has_vnni);
  EXPECT_EQ(supports(avx512_vbmi), has_vnni && __builtin_cpu_supports("avx512vbmi") != 0);
  EXPECT_FALSE(supports(neon));
}

// Catches tiles taken for usable that the system did not permit: the first of their instructions would end the
// program.
TEST(instruction_set, tiles_need_permission) {
  EXPECT_TRUE(x86::request_tiles() || !supports(amx));
}
#endif

// Catches an override that outlives its scope, one that picks what the processor lacks, and a set that falls
// to portable instead of to the one below it.
TEST(instruction_set, scoped_is_undone) {
  const instruction_set before = selected();
  for (const instruction_set set : available()) {
    const scoped_instruction_set guard(set);
    EXPECT_EQ(selected(), set);
    const scoped_instruction_set inner(portable);
    EXPECT_EQ(selected(), portable);
  }
  EXPECT_EQ(selected(), before);
  for (const instruction_set set : all_instruction_sets) {
    const scoped_instruction_set guard(set);
    EXPECT_TRUE(supports(selected()) && implies(set, selected())) << name_of(set);
    for (const instruction_set other : available())
      EXPECT_TRUE(!implies(set, other) || implies(selected(), other)) << name_of(set);
  }
}

std::string error_of(const char* wanted) {
  try {
    detail::choose(wanted);
  } catch (const invalid_scheme& error) {
    return error.what();
  }
  return {};
}

// Catches a name that is not taken, and a wrong one that is, or whose error does not say what to write.
TEST(instruction_set, is_chosen_by_name) {
  EXPECT_EQ(detail::choose(nullptr), available().back());
  EXPECT_EQ(detail::choose(""), available().back());
  std::string here;
  for (const instruction_set set : available()) {
    EXPECT_EQ(detail::choose(name_of(set)), set);
    here += (here.empty() ? "" : ", ") + std::string(name_of(set));
  }
  const std::string all =
      "portable, neon, neon_dotprod, neon_i8mm, avx2, avx2_vnni, avx512, avx512_vnni, "
      "avx512_vbmi, amx";
  EXPECT_EQ(error_of("AVX2"), "BITGAUGE_ISA: expected one of " + all + ", found \"AVX2\"");
  EXPECT_EQ(error_of("avx"), "BITGAUGE_ISA: expected one of " + all + ", found \"avx\"");
  const char* const other = supports(neon) ? "avx2" : "neon";
  EXPECT_EQ(error_of(other),
            "BITGAUGE_ISA: expected an instruction set of this processor (" + here + "), found " + other);
}

// Each statement runs in a process of its own, which first uses the library there.
// Catches a variable that is not read, is read too late, or whose error is lost.
TEST(instruction_set, is_pinned_by_the_environment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto exit_with_selected = [] {
    try {
      std::fprintf(stderr, "uses %s;", name_of(selected()));
    } catch (const invalid_scheme& error) {
      std::fprintf(stderr, "%s;", error.what());
    }
    std::exit(0);
  };
  for (const instruction_set set : available()) {
    setenv("BITGAUGE_ISA", name_of(set), 1);
    EXPECT_EXIT(exit_with_selected(), testing::ExitedWithCode(0), "uses " + std::string(name_of(set)) + ";");
  }
  setenv("BITGAUGE_ISA", "fastest", 1);
  EXPECT_EXIT(exit_with_selected(), testing::ExitedWithCode(0),
              "BITGAUGE_ISA: expected one of portable, neon, .*amx, found \"fastest\";");
  unsetenv("BITGAUGE_ISA");
}

}  // namespace
}  // namespace bitgauge::simd
