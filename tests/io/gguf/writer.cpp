#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/gguf/writer.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/hand_built_gguf.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using bitgauge::gguf::tensor_type;

class gguf_writer : public testing::Test {
 protected:
  test::temporary_directory folder;
  std::filesystem::path path = folder / "m.gguf";
};

// Catches bytes other than the format's, put together by hand: counts, types, padding by a set alignment,
// trailing dimensions of 1.
TEST_F(gguf_writer, writes_known_bytes) {
  io::gguf_writer writer(path);
  writer.set("k", std::uint16_t{1});
  writer.set("general.alignment", std::uint32_t{64});
  writer.set("list", io::gguf_array{std::vector<bool>{true, false}});
  writer.set("k", std::string("replaced in its place"));
  writer.declare("a", tensor_type::q8_0, {32, 1});
  writer.declare("none", tensor_type::f32, {0});
  writer.declare("b", tensor_type::f32, {2, 2});
  writer.write("a", test::bytes_of(std::string(30, 'q')));
  writer.write("a", test::bytes_of(std::string(4, 'q')));
  Eigen::Matrix2f matrix;
  matrix << 1, 2, 3, 4;
  writer.write("b", matrix);
  writer.commit();
  const std::string header = test::gguf_header(
      {test::gguf_info("a", {32, 1}, 8, 0), test::gguf_info("none", {0}, 0, 64),
       test::gguf_info("b", {2, 2}, 0, 64)},
      {test::gguf_key("k", 8, test::gguf_string("replaced in its place")), test::gguf_alignment(64),
       test::gguf_key("list", 9, std::string("\x07\0\0\0\x02\0\0\0\0\0\0\0\x01\0", 14))});
  const std::string floats = test::little_endian(1.f) + test::little_endian(2.f) + test::little_endian(3.f) +
                             test::little_endian(4.f);
  EXPECT_EQ(test::read_file(path), test::padded_to(header, 64) + test::padded_to(std::string(34, 'q'), 64) +
                                       test::padded_to(floats, 64));
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches a type that is written in another way than it is read, nested arrays and empty ones included.
TEST_F(gguf_writer, keeps_every_type) {
  const std::vector<io::gguf_value> values{
      std::uint8_t{200},
      std::int8_t{-100},
      std::uint16_t{65000},
      std::int16_t{-32000},
      std::uint32_t{4000000000},
      std::int32_t{-2000000000},
      0.1f,
      true,
      std::string("\xff\0x", 3),
      std::uint64_t{18000000000000000000u},
      std::int64_t{-9000000000000000000},
      0.1,
      io::gguf_array{std::vector<double>{}},
      io::gguf_array{std::vector<std::string>{"", "b"}},
      io::gguf_array{
          std::vector<io::gguf_array>{{std::vector<std::int16_t>{-1}}, {std::vector<io::gguf_array>{}}}}};
  io::gguf_writer writer(path);
  for (std::size_t i = 0; i < values.size(); ++i) writer.set("key " + std::to_string(i), values[i]);
  writer.commit();
  const io::gguf_file file(path, {.array_depth = 3});
  ASSERT_EQ(file.metadata().size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(file.metadata()[i].value, values[i]) << i;
}

// Catches a file that another reader refuses, or that is not what was declared.
TEST_F(gguf_writer, refuses_what_ggml_refuses) {
  const std::string here = path.string();
  io::gguf_writer writer(path);
  const auto data = [&](auto call) { return test::failure_of<bitgauge::data_error>(call); };
  const auto shape = [&](auto call) { return test::failure_of<bitgauge::shape_error>(call); };
  EXPECT_EQ(data([&] { writer.set("", 1.0); }), here + ": a metadata key is empty");
  EXPECT_EQ(data([&] { writer.set("general.alignment", std::uint32_t{13}); }),
            here + ": general.alignment: expected a power of two of type u32");
  EXPECT_EQ(data([&] { writer.set("general.alignment", 32); }),
            here + ": general.alignment: expected a power of two of type u32");
  const std::string long_name(64, 'n');
  EXPECT_EQ(data([&] { writer.declare(long_name, tensor_type::f32, {1}); }),
            here + ": tensor " + long_name + ": a name has at most 63 bytes, found 64");
  EXPECT_EQ(shape([&] {
              writer.declare("a", tensor_type::q4_k, {128, 2});
            }),
            here + ": tensor a: expected rows of a multiple of 256 elements for q4_K, found 128");
  EXPECT_EQ(shape([&] {
              writer.declare("a", tensor_type::f32, {1, 1, 1, 1, 1});
            }),
            here + ": tensor a: expected at most 4 dimensions, found 5");
  writer.declare("a", tensor_type::f16, {2});
  EXPECT_EQ(data([&] { writer.declare("a", tensor_type::f16, {2}); }),
            here + ": tensor a: is declared twice");
  EXPECT_EQ(data([&] { writer.write("a", Eigen::Vector2f(1, 2)); }),
            here + ": tensor a: expected elements of type f16, found F32");
  EXPECT_EQ(shape([&] { writer.commit(); }), here + ": tensor a: expected 4 bytes, found 0");
  EXPECT_EQ(data([&] { writer.set("k", 1.0); }), here + ": metadata is set after the first data was written");
  writer.write("a", Eigen::Vector2f(1, 2).cast<Eigen::half>());
  writer.commit();
  EXPECT_EQ(io::gguf_file(path).at("a").data.size(), 4u);
}

// Catches a number that two types share, or a plain type that maps to no other.
TEST(plain_tensor_type, is_the_inverse_of_plain_dtype) {
  int plain = 0;
  for (const auto& entry : bitgauge::gguf::tensor_types) {
    const auto type = io::plain_dtype(entry.type);
    if (!type) continue;
    ++plain;
    EXPECT_EQ(io::plain_tensor_type(*type), entry.type);
    EXPECT_EQ(io::size_of(*type), entry.bytes);
  }
  EXPECT_EQ(plain, 8);
  EXPECT_FALSE(io::plain_tensor_type(io::dtype::boolean));
}

}  // namespace
