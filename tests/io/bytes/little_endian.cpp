#include <bitgauge/io/bytes/little_endian.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace {

using bitgauge::io::byte_reader;
using test::bytes_of;

// Catches a byte order that is the machine's, and a read that needs alignment.
TEST(byte_reader, reads_little_endian_at_any_alignment) {
  const std::string text("x\x01\x02\x03\x04\x00\x00\xc0\x3f", 9);
  byte_reader reader(bytes_of(text), "f");
  EXPECT_EQ(reader.text(1, "tag"), "x");
  EXPECT_EQ(reader.number<std::uint32_t>("count"), 0x04030201u);
  EXPECT_EQ(reader.number<float>("scale"), 1.5f);
  EXPECT_EQ(reader.offset(), 9u);
  EXPECT_EQ(reader.remaining(), 0u);
}

// Catches a step beyond the end, also one whose sum with the offset would overflow, and a message without the
// place.
TEST(byte_reader, never_leaves_its_bytes) {
  byte_reader reader(bytes_of("abcdef"), "file.bin");
  reader.take(4, "head");
  EXPECT_EQ(test::parse_failure([&] { reader.number<std::uint32_t>("tensor count"); }),
            "file.bin: byte 4: tensor count: needs 4 bytes, 2 are left in the file");
  EXPECT_EQ(test::parse_failure([&] { reader.take(0xffffffffffffffffu, "data"); }),
            "file.bin: byte 4: data: needs 18446744073709551615 bytes, 2 are left in the file");
  EXPECT_EQ(reader.take(2, "rest").size(), 2u);
  EXPECT_EQ(test::parse_failure([] { byte_reader(bytes_of("ab"), "f", 3); }),
            "f: byte 2: start: lies beyond the file's 2 bytes");
}

// Catches a count that is trusted before the file is known to hold that many items.
TEST(byte_reader, checks_room_before_allocation) {
  const byte_reader reader(bytes_of("abcdef"), "f");
  reader.require_room(3, 2, 1, "keys");
  EXPECT_EQ(test::parse_failure([&] { reader.require_room(4, 2, 1, "keys"); }),
            "f: byte 1: keys: 4 items of at least 2 bytes each do not fit the 6 bytes that are left");
  EXPECT_NE(test::parse_failure([&] { reader.require_room(1ull << 63, 2, 1, "keys"); }),
            "nothing was raised");
}

// Catches a writer that the reader does not undo.
TEST(byte_writer, is_the_inverse) {
  bitgauge::io::byte_writer writer;
  writer.number<std::int16_t>(-2);
  writer.text("ab");
  writer.number(0.1);
  writer.zeros(2);
  const std::string expected =
      test::little_endian<std::int16_t>(-2) + "ab" + test::little_endian(0.1) + std::string(2, '\0');
  EXPECT_TRUE(std::ranges::equal(writer.bytes(), bytes_of(expected)));
}

// Catches an overflow test that is off at the boundary.
TEST(checked_multiply, knows_where_64_bits_end) {
  std::uint64_t product = 0;
  EXPECT_TRUE(bitgauge::io::checked_multiply(1ull << 32, (1ull << 32) - 1, product));
  EXPECT_EQ(product, 0xffffffff00000000u);
  EXPECT_FALSE(bitgauge::io::checked_multiply(1ull << 32, 1ull << 32, product));
  EXPECT_TRUE(bitgauge::io::checked_multiply(0, ~0ull, product));
  EXPECT_TRUE(bitgauge::io::checked_multiply(~0ull, 0, product));
}

}  // namespace
