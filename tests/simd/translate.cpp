#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/translate.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace {

using namespace bitgauge;

// Catches a lost tail, a swapped half of a register and a code that selects another entry.
TEST(translate, every_code_selects_its_entry) {
  std::array<std::int8_t, 16> table{};
  for (int i = 0; i < 16; ++i)
    table[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i % 2 == 0 ? 7 * i : -7 * i);
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    for (const std::size_t count : {0u, 1u, 31u, 32u, 33u, 100u}) {
      std::vector<std::uint8_t> codes(count);
      for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(i * 11 % 16);
      std::vector<std::int8_t> out(count + 1, 99);
      simd::translate(codes.data(), static_cast<bitgauge::index_t>(count), table.data(), out.data());
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(out[i], table[codes[i]]) << simd::name_of(set);
      EXPECT_EQ(out[count], 99);
    }
  }
}

}  // namespace
