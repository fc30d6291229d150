#include <bitgauge/gguf/format/bit_field.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>

namespace {

using namespace bitgauge::gguf;

// Catches a swapped run and bit order: the drawing of Q2_K in the format's documentation, by hand.
TEST(bit_field, plane_fills_low_bits_of_a_run_first) {
  constexpr bit_field f = plane(16, 2, 32, 256);
  EXPECT_EQ(f.entries(), 256);
  EXPECT_EQ(f.position(0), 8 * 16);
  EXPECT_EQ(f.position(5), 8 * (16 + 5));
  EXPECT_EQ(f.position(32 + 5), 8 * (16 + 5) + 2);
  EXPECT_EQ(f.position(96 + 5), 8 * (16 + 5) + 6);
  EXPECT_EQ(f.position(128 + 5), 8 * (16 + 32 + 5));
}

// Catches an unpacking that forgets the second byte of a field, or its mask: bits read one at a time.
template <class Layout, std::size_t Bytes>
void expect_reads_the_stated_bits() {
  std::mt19937 random(7);
  std::array<std::uint8_t, Bytes> bytes;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  std::array<typename Layout::code, static_cast<std::size_t>(Layout::entries)> codes;
  Layout::unpack(bytes.data(), codes.data());
  for (int e = 0; e < Layout::entries; ++e) {
    unsigned expected = 0;
    int to = 0;
    for (const bit_field& part : Layout::parts) {
      for (int b = 0; b < part.bits; ++b, ++to) {
        const int at = part.position(e) + b;
        expected |= static_cast<unsigned>(bytes[static_cast<std::size_t>(at / 8)] >> (at % 8) & 1) << to;
      }
    }
    EXPECT_EQ(codes[static_cast<std::size_t>(e)], expected) << "entry " << e;
  }
}

TEST(bit_field, unpack_reads_the_stated_bits) {
  expect_reads_the_stated_bits<code_layout<plane(0, 4, 64, 256), plane(128, 2, 32, 256)>, 192>();
  expect_reads_the_stated_bits<code_layout<bit_field{0, 7, {4, 7}, {8, 64}}>, 64>();
  expect_reads_the_stated_bits<code_layout<bit_field{0, 9, {32, 16}}>, 64>();
  expect_reads_the_stated_bits<code_layout<plane(2, 8, 1, 32), bit_field{272, 3, {4, 3}, {8, 16}}>, 50>();
  expect_reads_the_stated_bits<code_layout<single(3, 16)>, 5>();
}

// Catches a pack that writes another bit than unpack reads, or too many.
TEST(bit_field, pack_inverts_unpack_and_writes_nothing_else) {
  using layout = code_layout<bit_field{3, 7, {4, 7}, {2, 64}}, bit_field{40, 1, {4, 2}, {2, 64}}>;
  std::array<std::uint8_t, 8> codes{0x5a, 0xff, 0x80, 1, 0x7f, 0, 0xc3, 0x99}, back{};
  std::array<std::uint8_t, 16> bytes{};
  layout::pack(codes.data(), bytes.data());
  layout::unpack(bytes.data(), back.data());
  EXPECT_EQ(codes, back);
  int set = 0, expected = 0;
  for (auto byte : bytes) set += std::popcount(byte);
  for (auto code : codes) expected += std::popcount(code);
  EXPECT_EQ(set, expected);
}

}  // namespace
