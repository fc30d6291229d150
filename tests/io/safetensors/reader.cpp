#include <bitgauge/io/safetensors/reader.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace io = bitgauge::io;
using test::bytes_of;

std::string safetensors(const std::string& header, const std::string& data) {
  return test::little_endian<std::uint64_t>(header.size()) + header + data;
}

io::safetensors_file parse(const std::string& bytes) {
  return {bytes_of(bytes), "m.safetensors"};
}

std::string failure(const std::string& header, const std::string& data = "") {
  return test::parse_failure([&] { parse(safetensors(header, data)); });
}

/// The description of one tensor.
std::string tensor(const std::string& name, const std::string& type, const std::string& shape,
                   const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}";
}

// Catches offsets counted from the wrong place, an order other than the file's, and metadata mixed with
// tensors.
TEST(safetensors_file, gives_tensors_in_place) {
  const std::string bytes = safetensors(
      R"({"__metadata__":{"b":"2","a":"\u00e9"},)" + tensor("z", "F32", "[1,2]", "[2,10]") + "," +
          tensor("a.b", "BF16", "[]", "[0,2]") + "," + tensor("none", "I64", "[3,0]", "[10,10]") + "}   ",
      std::string("\x80\x3f", 2) + test::little_endian(1.5f) + test::little_endian(-2.f) + "trailing");
  const io::safetensors_file file = parse(bytes);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "z");
  EXPECT_EQ(file.tensors()[2].name, "none");
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(file.at("z")), Eigen::RowVector2f(1.5f, -2));
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(file.at("a.b")), Eigen::MatrixXf::Ones(1, 1));
  EXPECT_EQ(file.at("none").shape, (std::vector<std::uint64_t>{3, 0}));
  EXPECT_EQ(file.at("none").data.size(), 0u);
  // In place: no byte was copied.
  EXPECT_EQ(static_cast<const void*>(file.at("a.b").data.data()), bytes.data() + bytes.size() - 18);
  ASSERT_EQ(file.metadata().size(), 2u);
  EXPECT_EQ(file.metadata()[0].name, "b");
  EXPECT_EQ(*file.find_metadata("a"), "\xc3\xa9");
  EXPECT_EQ(file.find_metadata("c"), nullptr);
  EXPECT_EQ(test::failure_of<bitgauge::data_error>([&] { file.at("y"); }),
            "m.safetensors: no tensor 'y' among its 3: 'z', 'a.b', 'none'");
}

// Catches a dtype whose size is wrong or whose name is not understood.
TEST(safetensors_file, knows_every_dtype) {
  // bits of an element, from safetensors' own table (src/tensor.rs, Dtype::bitsize)
  const std::vector<std::pair<std::string, std::size_t>> sizes{
      {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6},     {"U8", 8},      {"I8", 8},
      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E5M2FNUZ", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E8M0", 8}, {"I16", 16},
      {"U16", 16},    {"F16", 16},    {"BF16", 16},       {"I32", 32},        {"U32", 32},    {"F32", 32},
      {"C64", 64},    {"F64", 64},    {"I64", 64},        {"U64", 64}};
  EXPECT_EQ(sizes.size(), io::dtypes.size());
  for (const auto& [name, bits] : sizes) {
    const std::string header =
        "{" + tensor("w", name, "[3,4]", "[0," + std::to_string(12 * bits / 8) + "]") + "}";
    const std::string bytes = safetensors(header, std::string(12 * bits / 8, '\0'));
    const io::safetensors_file file = parse(bytes);
    EXPECT_EQ(io::name_of(file.at("w").type), name);
    EXPECT_EQ(file.at("w").element_count(), 12u) << name;
  }
  EXPECT_EQ(parse(safetensors("{}", "")).tensors().size(), 0u);
}

// Catches a length that is believed before it is compared with the limit and the file.
TEST(safetensors_file, checks_the_header_length) {
  const auto failure_of = [](const std::string& bytes) { return test::parse_failure([&] { parse(bytes); }); };
  EXPECT_EQ(failure_of("1234567"),
            "m.safetensors: byte 0: header length: needs 8 bytes, 7 are left in the file");
  EXPECT_EQ(
      failure_of(test::little_endian<std::uint64_t>(~0ull) + "{}"),
      "m.safetensors: byte 0: header length: expected at most 100000000 bytes, found 18446744073709551615");
  EXPECT_EQ(failure_of(test::little_endian<std::uint64_t>(3) + "{}"),
            "m.safetensors: byte 8: header: needs 3 bytes, 2 are left in the file");
  EXPECT_EQ(failure_of(test::little_endian<std::uint64_t>(0)), "m.safetensors: byte 8: header: expected '{'");
  EXPECT_EQ(failure_of(safetensors(" {}", "")), "m.safetensors: byte 8: header: expected '{'");
}

// Catches a message without the place in the JSON text, and JSON of the wrong kind that is passed over.
TEST(safetensors_file, refuses_a_bad_header) {
  const std::string unfinished = failure(R"({"w":)");
  EXPECT_TRUE(unfinished.starts_with("m.safetensors: byte 13: header: not JSON: syntax error")) << unfinished;
  EXPECT_TRUE(failure("{}{}").starts_with("m.safetensors: byte 10: header: not JSON")) << failure("{}{}");
  EXPECT_TRUE(failure("{\"\xff\":1}").starts_with("m.safetensors: byte 10: header: not JSON"));
  EXPECT_EQ(failure(R"({"w":1})"), "m.safetensors: byte 15: tensor w: expected an object, found a number");
  EXPECT_EQ(
      failure(R"({"w":{"dtype":"F31"}})"),
      "m.safetensors: byte 27: tensor w: dtype: expected one of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, "
      "I32, I16, I8, U64, U32, U16, U8, BOOL, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, F6_E2M3, F6_E3M2, F4, C64, "
      "found 'F31'");
  EXPECT_EQ(failure(R"({"w":{"shape":[-1]}})"),
            "m.safetensors: byte 26: tensor w: shape: expected a number that is not negative, found a "
            "negative number");
  EXPECT_EQ(failure(R"({"w":{"shape":[1.5]}})"),
            "m.safetensors: byte 27: tensor w: shape: expected a number that is not negative, found a number "
            "that is "
            "no integer of 64 bits");
  EXPECT_EQ(failure(R"({"w":{"shape":[18446744073709551616]}})"),
            "m.safetensors: byte 44: tensor w: shape: expected a number that is not negative, found a number "
            "that is "
            "no integer of 64 bits");
  EXPECT_EQ(
      failure(R"({"w":{"shape":[[1]]}})"),
      "m.safetensors: byte 24: tensor w: shape: expected a number that is not negative, found an array");
  EXPECT_EQ(failure(R"({"w":{"stride":[1]}})"),
            "m.safetensors: byte 22: tensor w: expected dtype, shape or data_offsets, found 'stride'");
  EXPECT_EQ(failure(R"({"w":{"dtype":"U8","shape":[]}})"),
            "m.safetensors: byte 38: tensor w: has no data_offsets");
  EXPECT_EQ(failure("{" + tensor("w", "U8", "[]", "[0]") + "}"),
            "m.safetensors: byte 57: tensor w: data_offsets: expected 2 numbers, found 1");
  EXPECT_EQ(failure(R"({"__metadata__":{"a":1}})"),
            "m.safetensors: byte 31: __metadata__: expected a text, found a number");
}

// Catches the JSON library's habit of keeping the last of two members with one name.
TEST(safetensors_file, refuses_duplicates) {
  const std::string w = tensor("w", "U8", "[]", "[0,1]");
  EXPECT_EQ(failure("{" + w + "," + w + "}", "x"), "m.safetensors: byte 63: header: 'w' appears twice");
  EXPECT_EQ(failure(R"({"w":{"dtype":"U8","dtype":"U8"}})"),
            "m.safetensors: byte 34: tensor w: 'dtype' appears twice");
  EXPECT_EQ(failure(R"({"__metadata__":{"a":"1","a":"2"}})"),
            "m.safetensors: byte 40: __metadata__: 'a' appears twice");
  EXPECT_EQ(failure(R"({"__metadata__":{},"__metadata__":{}})"),
            "m.safetensors: byte 41: header: '__metadata__' appears twice");
}

// Catches a tensor that reaches outside the data, disagrees with its shape or shares bytes with another.
TEST(safetensors_file, refuses_bad_offsets) {
  const auto one = [](const std::string& shape, const std::string& offsets) {
    return "{" + tensor("w", "F32", shape, offsets) + "}";
  };
  EXPECT_EQ(failure(one("[2]", "[0,8]"), "1234567"),
            "m.safetensors: byte 61: tensor w: data_offsets: expected a range within the 7 bytes of data, "
            "found 0..8");
  EXPECT_EQ(failure(one("[1]", "[8,4]"), "12345678"),
            "m.safetensors: byte 61: tensor w: data_offsets: expected a range within the 8 bytes of data, "
            "found 8..4");
  EXPECT_EQ(failure(one("[3]", "[0,8]"), "12345678"),
            "m.safetensors: byte 61: tensor w: data_offsets: expected 12 bytes for dtype and shape, found 8");
  // 4 * 2^32 * 2^32 is 0 modulo 2^64: a product without a check would accept it.
  EXPECT_EQ(failure(one("[4294967296,4294967296]", "[0,0]")),
            "m.safetensors: byte 81: tensor w: data_offsets: the bytes of the shape exceed 64 bits");
  // half a byte cannot be stored, and 3 codes of 6 bits are no 2 bytes
  EXPECT_EQ(
      failure("{" + tensor("w", "F4", "[3]", "[0,2]") + "}", "12"),
      "m.safetensors: byte 60: tensor w: data_offsets: the shape's bits are no whole number of bytes, or "
      "exceed 64 bits");
  EXPECT_EQ(failure("{" + tensor("w", "F6_E2M3", "[4]", "[0,2]") + "}", "12"),
            "m.safetensors: byte 65: tensor w: data_offsets: expected 3 bytes for dtype and shape, found 2");
  const auto two = [](const std::string& first, const std::string& second) {
    return "{" + tensor("a", "F32", "[1]", first) + "," + tensor("b", "F32", "[1]", second) + "}";
  };
  EXPECT_EQ(failure(two("[2,6]", "[0,4]"), "12345678"),
            "m.safetensors: byte 61: tensor a: data_offsets: overlaps another tensor: expected to begin at "
            "4, found "
            "2..6");
  EXPECT_EQ(
      failure(two("[0,4]", "[5,9]"), "123456789"),
      "m.safetensors: byte 114: tensor b: data_offsets: leaves a hole: expected to begin at 4, found 5..9");
}

}  // namespace
