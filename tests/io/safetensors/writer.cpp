#include <bitgauge/io/safetensors/reader.hpp>
#include <bitgauge/io/safetensors/writer.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

namespace io = bitgauge::io;

class safetensors_writer : public testing::Test {
 protected:
  test::temporary_directory folder;
  std::filesystem::path path = folder / "m.safetensors";
};

// Catches bytes that depend on anything but the calls: these were laid out by hand from the format's
// description.
TEST_F(safetensors_writer, writes_known_bytes) {
  io::safetensors_writer writer(path);
  writer.set_metadata("b", "\"2\"");
  writer.declare("z", io::dtype::u8, {3});
  writer.declare("a", io::dtype::f32, {});
  writer.write("z", test::bytes_of("x"));
  writer.write("z", test::bytes_of("yz"));
  writer.write("a", Eigen::MatrixXf::Ones(1, 1));
  EXPECT_FALSE(std::filesystem::exists(path));
  writer.commit();
  std::string header = R"({"__metadata__":{"b":"\"2\""},"z":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                       R"("a":{"dtype":"F32","shape":[],"data_offsets":[3,7]}})";
  header.append(136 - header.size(), ' ');
  EXPECT_EQ(test::read_file(path),
            test::little_endian<std::uint64_t>(136) + header + "xyz" + test::little_endian(1.f));
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches a file without tensors, or without elements in them, that the reader refuses.
TEST_F(safetensors_writer, writes_empty_files_and_tensors) {
  io::safetensors_writer(path).commit();
  EXPECT_EQ(test::read_file(path), test::little_endian<std::uint64_t>(8) + "{}      ");
  io::safetensors_writer writer(path);
  writer.declare("none", io::dtype::f64, {0, 4});
  writer.declare("w", io::dtype::i16, {2, 1});
  writer.declare("none either", io::dtype::f64, {0});
  writer.write("none", Eigen::MatrixXd(0, 4));
  writer.write("w", Eigen::Matrix<std::int16_t, 2, 1>(1, -2));
  writer.commit();
  const io::safetensors_file file(path);
  EXPECT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(io::to_matrix<Eigen::VectorXf>(file.at("w")), Eigen::Vector2f(1, -2));
}

// Catches data that goes to the wrong tensor, and a file that is short, long or half declared.
TEST_F(safetensors_writer, holds_to_what_was_declared) {
  const std::string here = path.string();
  io::safetensors_writer writer(path);
  writer.set_metadata("m", "");
  writer.declare("a", io::dtype::f32, {2});
  writer.declare("b", io::dtype::bf16, {1});
  const auto data = [&](auto call) { return test::failure_of<bitgauge::data_error>(call); };
  const auto shape = [&](auto call) { return test::failure_of<bitgauge::shape_error>(call); };
  EXPECT_EQ(data([&] { writer.declare("a", io::dtype::u8, {}); }), here + ": tensor a: is declared twice");
  EXPECT_EQ(data([&] { writer.set_metadata("m", ""); }), here + ": metadata 'm' is set twice");
  EXPECT_EQ(data([&] { writer.declare("__metadata__", io::dtype::u8, {}); }),
            here + ": '__metadata__' cannot name a tensor");
  EXPECT_EQ(shape([&] { writer.declare("big", io::dtype::u16, {1ull << 63}); }),
            here + ": tensor big: its bytes exceed 64 bits");
  EXPECT_EQ(shape([&] { writer.declare("odd", io::dtype::f4, {3}); }),
            here + ": tensor odd: its bits are no whole number of bytes, or exceed 64 bits");
  EXPECT_EQ(data([&] { writer.set_metadata("author", "caf\xe9"); }),
            here + ": metadata 'author': the text is not UTF-8");
  EXPECT_EQ(data([&] { writer.declare("\xff", io::dtype::u8, {}); }), here + ": '\\xff' is not UTF-8");
  EXPECT_EQ(data([&] { writer.write("b", test::bytes_of("xx")); }),
            here + ": tensor b: is written where 'a' is to follow");
  EXPECT_EQ(data([&] { writer.write("a", Eigen::Vector2d(1, 2)); }),
            here + ": tensor a: expected elements of type F32, found F64");
  EXPECT_EQ(data([&] { writer.write("c", Eigen::Vector2d(1, 2)); }),
            here + ": no tensor 'c' among its 2: 'a', 'b'");
  EXPECT_EQ(data([&] { writer.declare("c", io::dtype::u8, {}); }),
            here + ": tensor c: is declared after the first data was written");
  EXPECT_EQ(data([&] { writer.set_metadata("n", ""); }),
            here + ": metadata is set after the first data was written");
  EXPECT_EQ(shape([&] { writer.write("a", Eigen::Vector3f(1, 2, 3)); }),
            here + ": tensor a: expected 8 bytes, found more");
  writer.write("a", Eigen::VectorXf::Ones(1));
  EXPECT_EQ(shape([&] { writer.commit(); }), here + ": tensor a: expected 8 bytes, found 4");
  writer.write("a", Eigen::VectorXf::Ones(1));
  writer.write("b", Eigen::VectorXf::Ones(1).cast<Eigen::bfloat16>());
  EXPECT_EQ(data([&] { writer.write("b", test::bytes_of("x")); }),
            here + ": tensor b: is written, but every declared tensor is complete");
  writer.commit();
  EXPECT_EQ(io::safetensors_file(path).at("b").data.size(), 2u);
}

}  // namespace
