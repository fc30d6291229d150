#include <bitgauge/io/gguf/reader.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/hand_built_gguf.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using bitgauge::gguf::tensor_type;
using test::gguf_alignment;
using test::gguf_header;
using test::gguf_info;
using test::gguf_key;
using test::gguf_string;
using test::little_endian;
using test::padded_to;

constexpr std::uint32_t f32 = 0, i8 = 24, i64 = 27, q4_0 = 2;

io::gguf_file parse(const std::string& bytes, const io::gguf_options& options = {}) {
  return {test::bytes_of(bytes), "m.gguf", options};
}
std::string failure(const std::string& bytes, const io::gguf_options& options = {}) {
  return test::parse_failure([&] { parse(bytes, options); });
}
/// The failure of a file with these descriptions and `data` behind them.
std::string tensor_failure(const std::vector<std::string>& tensors, const std::vector<std::string>& keys = {},
                           const std::string& data = std::string(4096, '\0')) {
  return failure(padded_to(gguf_header(tensors, keys), 32) + data);
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Catches dimensions in the wrong order, and data taken from the wrong place or with its padding.
TEST(gguf_file, gives_tensors_in_place) {
  const std::string header =
      gguf_header({gguf_info("a", {3, 2}, i8, 0), gguf_info("b", {32, 1, 1}, q4_0, 32)}, {});
  const std::string bytes =
      padded_to(header, 32) + padded_to("abcdef", 32) + padded_to(std::string(18, 'q'), 32);
  const io::gguf_file file = parse(bytes);
  EXPECT_EQ(file.alignment(), 32u);
  EXPECT_EQ(file.data_offset(), padded_to(header, 32).size());
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(text_of(file.at("a").data), "abcdef");
  EXPECT_EQ(file.at("a").columns(), 3u);
  EXPECT_EQ(file.at("a").rows(), 2u);
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(*io::plain_view(file.at("a")))(1, 0), static_cast<float>('d'));
  EXPECT_EQ(file.at("b").type, tensor_type::q4_0);
  EXPECT_EQ(file.at("b").dimensions, (std::vector<std::uint64_t>{32, 1, 1}));
  EXPECT_EQ(file.at("b").shape(), (std::vector<std::uint64_t>{1, 1, 32}));
  EXPECT_EQ(text_of(file.at("b").data), std::string(18, 'q'));
  EXPECT_FALSE(io::plain_view(file.at("b")));
}

// Catches refusal of what ggml loads: nothing at all, version 2, empty strings and arrays, a scalar, no
// elements, another alignment, and bytes behind the end.
TEST(gguf_file, loads_the_unusual) {
  EXPECT_EQ(parse(gguf_header({}, {})).tensors().size(), 0u);
  EXPECT_EQ(parse(gguf_header({}, {}, 2)).version(), 2u);
  const std::string strings =
      little_endian<std::uint32_t>(8) + little_endian<std::uint64_t>(2) + gguf_string("") + gguf_string("x");
  const std::string header =
      gguf_header({}, {gguf_key("a", 8, gguf_string("")), gguf_key("b", 9, strings),
                       gguf_key("c", 9, little_endian<std::uint32_t>(12) + std::string(8, '\0')),
                       gguf_key("d", 7, "\x80")});
  const io::gguf_file keys = parse(header);
  EXPECT_EQ(std::get<std::string>(*keys.find_metadata("a")), "");
  EXPECT_EQ(std::get<std::vector<std::string>>(std::get<io::gguf_array>(*keys.find_metadata("b")).elements),
            (std::vector<std::string>{"", "x"}));
  EXPECT_EQ(std::get<std::vector<double>>(std::get<io::gguf_array>(*keys.find_metadata("c")).elements).size(),
            0u);
  EXPECT_TRUE(std::get<bool>(*keys.find_metadata("d")));
  EXPECT_EQ(keys.find_metadata("e"), nullptr);

  const std::string few =
      padded_to(gguf_header({gguf_info("none", {64, 0}, q4_0, 0), gguf_info("one", {}, f32, 0)}, {}), 32) +
      padded_to(little_endian(1.5f), 32) + "behind the end";
  const io::gguf_file tensors_file = parse(few);
  EXPECT_EQ(tensors_file.at("none").data.size(), 0u);
  EXPECT_EQ(tensors_file.at("one").columns(), 1u);
  EXPECT_EQ(tensors_file.at("one").data.size(), 4u);

  const std::string tight =
      gguf_header({gguf_info("a", {3}, i8, 0), gguf_info("b", {2}, i8, 3)}, {gguf_alignment(1)}) + "abcde";
  EXPECT_EQ(text_of(parse(tight).at("b").data), "de");
}

// Catches padding that counts from the start of the outer file.
TEST(gguf_file, may_lie_inside_a_larger_file) {
  const std::string inner =
      padded_to(gguf_header({gguf_info("a", {4}, i8, 0)}, {}), 32) + padded_to("abcd", 32);
  const std::string outer = "7 bytes" + inner + "more";
  const io::gguf_file file = parse(outer, {.start = 7});
  EXPECT_EQ(text_of(file.at("a").data), "abcd");
  EXPECT_EQ(file.data_offset() % 32, 7u);
  EXPECT_EQ(failure(outer), "m.gguf: byte 0: magic: expected GGUF");
  EXPECT_EQ(failure(outer, {.start = 1000}), "m.gguf: byte " + std::to_string(outer.size()) +
                                                 ": start: lies beyond the file's " +
                                                 std::to_string(outer.size()) + " bytes");
}

// Catches a header that is believed: magic, version, and counts with nothing behind them.
TEST(gguf_file, refuses_a_bad_header) {
  EXPECT_EQ(failure("FUGG" + gguf_header({}, {}).substr(4)), "m.gguf: byte 0: magic: expected GGUF");
  EXPECT_EQ(failure("GG"), "m.gguf: byte 0: magic: needs 4 bytes, 2 are left in the file");
  EXPECT_EQ(failure(gguf_header({}, {}, 0)), "m.gguf: byte 4: version: expected 2 or 3, found 0");
  EXPECT_EQ(failure(gguf_header({}, {}, 1)), "m.gguf: byte 4: version: expected 2 or 3, found 1");
  EXPECT_EQ(failure(gguf_header({}, {}, 4)), "m.gguf: byte 4: version: expected 2 or 3, found 4");
  EXPECT_EQ(failure(gguf_header({}, {}, 0x03000000)),
            "m.gguf: byte 4: version: expected 2 or 3, found 50331648 (a big-endian file?)");
  const auto with_counts = [](std::int64_t tensors, std::int64_t keys) {
    return "GGUF" + little_endian<std::uint32_t>(3) + little_endian(tensors) + little_endian(keys) +
           std::string(100, '\0');
  };
  EXPECT_EQ(failure(with_counts(-1, 0)),
            "m.gguf: byte 8: tensor count: expected no negative number, found -1");
  EXPECT_EQ(failure(with_counts(0, -1)), "m.gguf: byte 16: key count: expected no negative number, found -1");
  EXPECT_EQ(
      failure(with_counts(1ll << 62, 0)),
      "m.gguf: byte 8: tensor count: 4611686018427387904 items of at least 24 bytes each do not fit the 100 "
      "bytes that are left");
  EXPECT_EQ(
      failure(with_counts(0, 8)),
      "m.gguf: byte 16: key count: 8 items of at least 14 bytes each do not fit the 100 bytes that are left");
}

// Catches metadata whose lengths, types or names are not checked.
TEST(gguf_file, refuses_bad_keys) {
  const auto with = [](const std::string& keys) { return gguf_header({}, {keys}) + std::string(20, '\0'); };
  EXPECT_EQ(failure(with(little_endian(~0ull) + "my_key")),
            "m.gguf: byte 32: key 0: needs 18446744073709551615 bytes, 26 are left in the file");
  EXPECT_EQ(failure(with(gguf_key("", 0, "x"))), "m.gguf: byte 24: key 0: is empty");
  EXPECT_EQ(failure(with(gguf_key("k", 13, ""))),
            "m.gguf: byte 33: key 0 (k): expected a value type 0..12, found 13");
  EXPECT_EQ(failure(with(gguf_key("k", 9, little_endian<std::uint32_t>(13)))),
            "m.gguf: byte 37: key 0 (k): expected a value type 0..12, found 13");
  EXPECT_EQ(failure(with(gguf_key("k", 9, little_endian<std::uint32_t>(9)))),
            "m.gguf: byte 37: key 0 (k): arrays may be nested 1 deep, found more");
  EXPECT_EQ(failure(with(gguf_key("k", 9, little_endian<std::uint32_t>(12) + little_endian(1ull << 61)))),
            "m.gguf: byte 41: key 0 (k): 2305843009213693952 items of at least 8 bytes each do not fit the "
            "20 bytes "
            "that are left");
  EXPECT_EQ(failure(with(gguf_key("k", 8, little_endian(21ull)))),
            "m.gguf: byte 45: key 0 (k): needs 21 bytes, 20 are left in the file");
  EXPECT_EQ(failure(gguf_header({}, {gguf_key("k", 0, "x"), gguf_key("k", 0, "x")})),
            "m.gguf: byte 38: key 1: 'k' appears twice");
  EXPECT_EQ(failure(gguf_header({}, {gguf_alignment(13)})),
            "m.gguf: byte 49: general.alignment: expected a power of two, found 13");
  EXPECT_EQ(failure(gguf_header({}, {gguf_alignment(0)})),
            "m.gguf: byte 49: general.alignment: expected a power of two, found 0");
  EXPECT_EQ(failure(gguf_header({}, {gguf_key("general.alignment", 5, little_endian(32))})),
            "m.gguf: byte 49: general.alignment: expected type u32, found i32");
}

// Catches arrays of arrays being lost where the caller wants them, and recursion without a bound.
TEST(gguf_file, reads_nested_arrays_when_asked) {
  const std::string inner = little_endian<std::uint32_t>(0) + little_endian(2ull) + "\x01\x02";
  const std::string bytes = gguf_header(
      {}, {gguf_key("k", 9, little_endian<std::uint32_t>(9) + little_endian(2ull) + inner + inner)});
  const io::gguf_file file = parse(bytes, {.array_depth = 2});
  const auto& outer =
      std::get<std::vector<io::gguf_array>>(std::get<io::gguf_array>(*file.find_metadata("k")).elements);
  ASSERT_EQ(outer.size(), 2u);
  EXPECT_EQ(std::get<std::vector<std::uint8_t>>(outer[1].elements), (std::vector<std::uint8_t>{1, 2}));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += little_endian<std::uint32_t>(9) + little_endian(1ull);
  EXPECT_EQ(failure(gguf_header({}, {gguf_key("k", 9, deep)}), {.array_depth = 4}),
            "m.gguf: byte 73: key 0 (k): arrays may be nested 4 deep, found more");
}

// Catches descriptions whose names, dimensions, types or offsets are not checked, also where a product
// overflows.
TEST(gguf_file, refuses_bad_tensors) {
  const std::string long_name(64, 'n');
  EXPECT_EQ(tensor_failure({gguf_info(long_name, {4}, f32, 0)}),
            "m.gguf: byte 24: tensor 0: name: expected at most 63 bytes, found 64");
  EXPECT_EQ(
      parse(padded_to(gguf_header({gguf_info(long_name.substr(1), {0}, f32, 0)}, {}), 32)).tensors().size(),
      1u);
  EXPECT_EQ(tensor_failure({gguf_info("a", {1, 1, 1, 1, 1}, f32, 0)}),
            "m.gguf: byte 33: tensor 0 (a): expected at most 4 dimensions, found 5");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4, -1}, f32, 0)}),
            "m.gguf: byte 45: tensor 0 (a): dimensions: expected no negative number, found -1");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4ll << 31, 4ll << 31}, i8, 0)}),
            "m.gguf: byte 37: tensor 0 (a): dimensions: the number of elements exceeds 63 bits");
  EXPECT_EQ(tensor_failure({gguf_info("a", {1ll << 31, 1ll << 31}, i64, 0)}),
            "m.gguf: byte 37: tensor 0 (a): dimensions: the number of bytes exceeds 64 bits");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4}, 43, 0)}),
            "m.gguf: byte 45: tensor 0 (a): type: no tensor type has the number 43");
  EXPECT_EQ(tensor_failure({gguf_info("a", {33}, q4_0, 0)}),
            "m.gguf: byte 37: tensor 0 (a): dimensions: expected rows of a multiple of 32 elements for q4_0, "
            "found 33");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4}, f32, ~0ull)}),
            "m.gguf: byte 49: tensor 0 (a): offset: expected 0, found 18446744073709551615");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4}, f32, 0), gguf_info("a", {4}, f32, 32)}),
            "m.gguf: byte 57: tensor 1 (a): the name appears twice");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4}, f32, 0), gguf_info("b", {4}, f32, 16)}),
            "m.gguf: byte 82: tensor 1 (b): offset: expected 32, found 16");
  EXPECT_EQ(tensor_failure({gguf_info("a", {4}, f32, 0)}, {gguf_alignment(13)}),
            "m.gguf: byte 49: general.alignment: expected a power of two, found 13");
}

// Catches data that ends too early, and sizes whose sum overflows.
TEST(gguf_file, refuses_missing_data) {
  const std::string header = padded_to(gguf_header({gguf_info("a", {33}, i8, 0)}, {}), 32);
  EXPECT_EQ(parse(header + std::string(64, '\0')).tensors().size(), 1u);
  EXPECT_EQ(failure(header + std::string(63, '\0')),
            "m.gguf: byte 64: data: needs 64 bytes, 63 are left in the file");
  EXPECT_EQ(failure(header.substr(0, 60)),
            "m.gguf: byte 57: padding before the data: needs 7 bytes, 3 are left in the file");
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max() - 63;
  constexpr std::uint64_t end = static_cast<std::uint64_t>(huge);
  const std::vector<std::string> two{gguf_info("a", {huge}, i8, 0), gguf_info("b", {huge}, i8, end)};
  EXPECT_EQ(tensor_failure(two, {}, std::string(32, '\0')),
            "m.gguf: byte 96: data: needs 18446744073709551488 bytes, 32 are left in the file");
  const std::vector<std::string> three{two[0], two[1], gguf_info("c", {huge}, i8, 2 * end)};
  EXPECT_EQ(tensor_failure(three),
            "m.gguf: byte 103: tensor 2 (c): the bytes of all tensors together exceed 64 bits");
}

}  // namespace
