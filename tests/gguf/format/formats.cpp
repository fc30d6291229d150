#include <bitgauge/gguf/format/visit_format.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

std::vector<gguf::tensor_type> block_types() {
  std::vector<gguf::tensor_type> types;
  for (const auto& traits : gguf::tensor_types) {
    if (traits.elements > 1) types.push_back(traits.type);
  }
  return types;
}

// Catches a block type that has no description, and a description under another type's number.
TEST(formats, every_block_type_is_described) {
  for (const auto type : block_types()) {
    gguf::visit_format(type, [&]<class Format>(Format) { EXPECT_EQ(Format::type, type); });
  }
}

// Catches a field described at the wrong bits, with bits of another field, or forgotten: packing what was
// unpacked from random bytes must give the same bytes, every bit of every block being part of some code.
// Except: derived fields (Q8_1's sum, Q8_K's sums), the unused codes of base 3, NaN patterns.
TEST(formats, pack_inverts_unpack_on_random_bytes) {
  std::mt19937 random(11);
  for (const auto type : block_types()) {
    gguf::visit_format(type, [&]<class Format>(Format) {
      for (int trial = 0; trial < 50; ++trial) {
        gguf::block<Format> stored;
        for (auto& byte : stored.bytes) byte = static_cast<std::uint8_t>(random());
        gguf::block_codes<Format> codes;
        gguf::unpack<Format>(stored.bytes.data(), codes);
        gguf::block<Format> packed;
        gguf::pack(codes, packed.bytes.data());
        gguf::block_codes<Format> again;
        gguf::unpack<Format>(packed.bytes.data(), again);

        bool has_nan = numeric::is_nan(codes.scale.super);
        if constexpr (Format::has_minimum) has_nan = has_nan || numeric::is_nan(codes.minimum.super);
        const bool lossy = has_nan || type == gguf::tensor_type::tq1_0 || type == gguf::tensor_type::q8_1 ||
                           type == gguf::tensor_type::q8_k;
        if (!lossy) {
          EXPECT_EQ(stored.bytes, packed.bytes) << gguf::traits_of(type).name;
        }
        std::array<std::int8_t, 256> levels{}, levels_again{};
        codes.levels(levels.data());
        again.levels(levels_again.data());
        EXPECT_EQ(levels, levels_again) << gguf::traits_of(type).name;
      }
    });
  }
}

// Catches a wrong ceiling in the base-3 bytes: all 243 numbers of a byte survive.
TEST(formats, ternary_bytes_hold_every_number) {
  gguf::block_codes<gguf::tq1_0> codes, back;
  for (int number = 0; number < 243; ++number) {
    for (int i = 0, rest = number; i < 5; ++i, rest /= 3) {
      codes.elements[static_cast<std::size_t>(32 * i)] = static_cast<std::uint8_t>(rest % 3);
    }
    gguf::block<gguf::tq1_0> stored;
    gguf::pack(codes, stored.bytes.data());
    gguf::unpack<gguf::tq1_0>(stored.bytes.data(), back);
    ASSERT_EQ(codes.elements, back.elements) << number;
  }
}

// Catches a wrong sum or a sum at a wrong place, by hand: levels 1, 2, .., 32 sum to 528.
TEST(formats, derived_sums) {
  gguf::block_codes<gguf::q8_1> small;
  for (int j = 0; j < 32; ++j) small.elements[static_cast<std::size_t>(j)] = static_cast<std::uint8_t>(j + 1);
  small.scale.super = 0.5f;
  gguf::block<gguf::q8_1> small_block;
  gguf::pack(small, small_block.bytes.data());
  EXPECT_EQ(small_block.bytes[2] | small_block.bytes[3] << 8, numeric::half_from_float(264.0f));

  gguf::block_codes<gguf::q8_k> large;
  for (auto& code : large.elements) code = static_cast<std::uint8_t>(-127);
  gguf::block<gguf::q8_k> large_block;
  gguf::pack(large, large_block.bytes.data());
  for (std::size_t group = 0; group < 16; ++group) {
    const int sum = large_block.bytes[260 + 2 * group] | large_block.bytes[261 + 2 * group] << 8;
    EXPECT_EQ(static_cast<std::int16_t>(sum), -2032);
  }
}

// Catches a visitor that lets a plain type through.
TEST(formats, plain_types_are_refused) {
  try {
    gguf::visit_format(gguf::tensor_type::f16, []<class Format>(Format) {});
    FAIL();
  } catch (const invalid_scheme& failure) {
    EXPECT_EQ(std::string(failure.what()),
              "tensor type f16 is not a block format; expected a quantized type such as q4_K");
  }
}

}  // namespace
