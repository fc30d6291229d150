#include <bitgauge/io/npy.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/npy_file.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using test::bytes_of;
using test::little_endian;

/// A file of version 1.0 with this dictionary.
std::string npy(const std::string& dictionary, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + little_endian(static_cast<std::uint16_t>(dictionary.size())) +
         dictionary + data;
}

std::string npy(const std::string& descr, bool fortran, const std::string& shape, const std::string& data) {
  return npy("{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
                 ", 'shape': " + shape + ", }\n",
             data);
}

template <class Number>
std::string data_of(std::initializer_list<Number> numbers) {
  std::string bytes;
  for (const Number number : numbers) bytes += little_endian(number);
  return bytes;
}

template <class Matrix = Eigen::MatrixXd>
Matrix parse(const std::string& bytes) {
  return io::to_matrix<Matrix>(io::npy_file(bytes_of(bytes), "a.npy").array());
}

std::string failure(const std::string& bytes) {
  return test::parse_failure([&] { io::npy_file(bytes_of(bytes), "a.npy"); });
}

// Catches a type whose size or conversion is wrong, big-endian bytes taken as they are, and an unsigned or
// negative value that loses its sign.
TEST(npy_file, reads_every_type_in_both_byte_orders) {
  const Eigen::MatrixXd expected = Eigen::Vector2d(1, -2);
  EXPECT_EQ(parse(npy("<f8", false, "(2,)", data_of({1.0, -2.0}))), expected);
  EXPECT_EQ(parse(npy("<f4", false, "(2,)", data_of({1.0f, -2.0f}))), expected);
  EXPECT_EQ(parse(npy("<f2", false, "(2,)", std::string("\x00\x3c\x00\xc0", 4))), expected);
  EXPECT_EQ(parse(npy(">f2", false, "(2,)", std::string("\x3c\x00\xc0\x00", 4))), expected);
  EXPECT_EQ(parse(npy(">f4", false, "(2,)", std::string("\x3f\x80\x00\x00\xc0\x00\x00\x00", 8))), expected);
  EXPECT_EQ(parse(npy("|i1", false, "(2,)", std::string("\x01\xfe", 2))), expected);
  EXPECT_EQ(parse(npy("<i2", false, "(2,)", data_of<std::int16_t>({1, -2}))), expected);
  EXPECT_EQ(parse(npy(">i2", false, "(2,)", std::string("\x00\x01\xff\xfe", 4))), expected);
  EXPECT_EQ(parse(npy("<i4", false, "(2,)", data_of<std::int32_t>({1, -2}))), expected);
  EXPECT_EQ(parse(npy("=i8", false, "(2,)", data_of<std::int64_t>({1, -2}))), expected);
  const Eigen::MatrixXd positive = Eigen::Vector2d(1, 200);
  EXPECT_EQ(parse(npy("|u1", false, "(2,)", std::string("\x01\xc8", 2))), positive);
  EXPECT_EQ(parse(npy("<u2", false, "(2,)", data_of<std::uint16_t>({1, 200}))), positive);
  EXPECT_EQ(parse(npy("<u4", false, "(2,)", data_of<std::uint32_t>({1, 200}))), positive);
  EXPECT_EQ(parse(npy("<u8", false, "(2,)", data_of<std::uint64_t>({1, 200}))), positive);
  EXPECT_EQ(parse(npy("|b1", false, "(2,)", std::string("\x01\x00", 2))),
            Eigen::MatrixXd(Eigen::Vector2d(1, 0)));
}

// Catches rows and columns exchanged: the same matrix in both orders.
TEST(npy_file, reads_both_orders) {
  Eigen::MatrixXf expected(2, 3);
  expected << 1, 2, 3, 4, 5, 6;
  EXPECT_EQ(parse<Eigen::MatrixXf>(npy("<f4", false, "(2, 3)", data_of({1.f, 2.f, 3.f, 4.f, 5.f, 6.f}))),
            expected);
  EXPECT_EQ(parse<Eigen::MatrixXf>(npy("<f4", true, "(2, 3)", data_of({1.f, 4.f, 2.f, 5.f, 3.f, 6.f}))),
            expected);
}

// Catches a shape that is misread: no dimension is one number, three are exposed but are no matrix.
TEST(npy_file, exposes_any_number_of_dimensions) {
  EXPECT_EQ(parse(npy("<f4", false, "()", data_of({7.f}))), Eigen::MatrixXd::Constant(1, 1, 7));
  EXPECT_EQ(parse<Eigen::RowVectorXd>(npy("<f4", false, "(2,)", data_of({1.f, 2.f}))),
            Eigen::RowVector2d(1, 2));
  EXPECT_EQ(parse(npy("<f4", false, "(0, 5)", "")).cols(), 5);
  const std::string cube = npy("<u2", false, "(1, 2, 1)", data_of<std::uint16_t>({1, 2}));
  const io::npy_file file(bytes_of(cube), "cube.npy");
  EXPECT_EQ(file.array().shape, (std::vector<std::uint64_t>{1, 2, 1}));
  EXPECT_EQ(file.array().type, io::dtype::u16);
  EXPECT_EQ(file.array().element_count(), 2u);
  EXPECT_EQ(test::failure_of<bitgauge::shape_error>([&] { io::to_matrix<Eigen::MatrixXf>(file.array()); }),
            "cube.npy: a matrix has at most 2 dimensions, found 3");
  const std::string pair = npy("<f4", false, "(2,)", data_of({1.f, 2.f}));
  EXPECT_EQ(test::failure_of<bitgauge::shape_error>([&] { parse<Eigen::Vector3f>(pair); }),
            "a.npy: rows: expected 3, found 2");
  EXPECT_EQ(test::failure_of<bitgauge::data_error>([&] { parse<Eigen::VectorXi>(pair); }),
            "a.npy: expected elements of type I32, found F32");
}

// Catches a reader tied to NumPy's own spelling of the dictionary, or to version 1.0.
TEST(npy_file, reads_every_spelling_and_version) {
  const std::string dictionary = "{ \"shape\" : ( 1L , ) ,'fortran_order':False, \"descr\":'f4'}";
  EXPECT_EQ(parse(npy(dictionary, data_of({3.f})))(0), 3);
  for (const char version : {'\2', '\3'}) {
    const std::string bytes = std::string("\x93NUMPY") + version + '\0' +
                              little_endian(static_cast<std::uint32_t>(dictionary.size())) + dictionary +
                              data_of({3.f}) + "what follows the array is not read";
    EXPECT_EQ(parse(bytes)(0), 3);
  }
}

// Catches a file that is taken in spite of a fault, and a message without offset and field.
TEST(npy_file, refuses_bad_files) {
  EXPECT_EQ(failure(""), "a.npy: byte 0: magic: needs 6 bytes, 0 are left in the file");
  EXPECT_EQ(failure("PK\x03\x04 numpy"), "a.npy: byte 0: magic: expected \\x93NUMPY");
  EXPECT_EQ(failure(std::string("\x93NUMPY\x04\x00", 8)),
            "a.npy: byte 6: version: expected 1.0, 2.0 or 3.0, found 4.0");
  EXPECT_EQ(failure(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)),
            "a.npy: byte 10: header: needs 65535 bytes, 1 are left in the file");
  EXPECT_EQ(failure(npy("<f4", false, "(2,)", "1234567")),
            "a.npy: byte 68: data: needs 8 bytes, 7 are left in the file");
  EXPECT_EQ(failure(npy("<c8", false, "(2,)", "")),
            "a.npy: byte 20: descr: expected f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1 after the byte "
            "order, "
            "found '<c8'");
  EXPECT_EQ(failure(npy("{'descr': [('x', '<f4')]", "")),
            "a.npy: byte 20: descr: structured types are not supported");
  EXPECT_EQ(failure(npy("<f4", false, "(-1,)", "")),
            "a.npy: byte 61: shape: expected a number that is not negative");
  EXPECT_EQ(failure(npy("<f4", false, "(99999999999999999999,)", "")),
            "a.npy: byte 80: shape: exceeds 64 bits");
  EXPECT_EQ(failure(npy("<f4", false, "(4294967296, 4294967296)", "")),
            "a.npy: byte 10: shape: the number of bytes exceeds 64 bits");
  EXPECT_EQ(failure(npy("{'descr': '<f4', 'shape': ()}", "")),
            "a.npy: byte 39: header: expected the key 'fortran_order'");
  EXPECT_EQ(failure(npy("{'descr': '<f4', 'descr': '<f4'}", "")), "a.npy: byte 34: descr: appears twice");
  EXPECT_EQ(failure(npy("{'order': 1}", "")), "a.npy: byte 18: header: unknown key 'order'");
  EXPECT_EQ(failure(npy("{'descr': '<f4", "")), "a.npy: byte 20: descr: the text in quotes does not end");
  EXPECT_EQ(failure(npy("{'fortran_order': false}", "")),
            "a.npy: byte 28: fortran_order: expected True or False");
  EXPECT_EQ(failure(npy("{'shape': ()} x", "")), "a.npy: byte 24: header: expected nothing after '}'");
}

// Catches bytes other than NumPy's own: this header was written by numpy.save.
TEST(write_npy, writes_what_numpy_writes) {
  const test::temporary_directory folder;
  Eigen::Matrix<float, 2, 3> matrix;
  matrix << 1, 2, 3, 4, 5, 6;
  io::write_npy(folder / "a.npy", matrix);
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_EQ(test::read_file(folder / "a.npy"), std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header +
                                                   std::string(117 - header.size(), ' ') + "\n" +
                                                   data_of({1.f, 2.f, 3.f, 4.f, 5.f, 6.f}));
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches a writer that an independent reader does not understand, for vectors, expressions, views and other
// scalars, and for more elements than one piece of the stream holds.
TEST(write_npy, is_read_back) {
  const test::temporary_directory folder;
  const Eigen::MatrixXd large = Eigen::MatrixXd::Random(70, 130);
  io::write_npy(folder / "large.npy", large.transpose() * 2.0);
  const auto stored = test::load_npy<double>(folder / "large.npy");
  EXPECT_EQ(stored.shape, (std::vector<std::size_t>{130, 70}));
  EXPECT_EQ(stored.row(129)[3], large(3, 129) * 2.0);
  EXPECT_EQ(io::read_npy<Eigen::MatrixXd>(folder / "large.npy"), large.transpose() * 2.0);

  const Eigen::Matrix<Eigen::half, Eigen::Dynamic, 1> halves =
      Eigen::Vector3f(0.5f, -1, 65504).cast<Eigen::half>();
  io::write_npy(folder / "half.npy", halves);
  const auto patterns = test::load_npy<std::uint16_t>(folder / "half.npy");
  EXPECT_EQ(patterns.shape, (std::vector<std::size_t>{3}));
  EXPECT_EQ(patterns.data, (std::vector<std::uint16_t>{0x3800, 0xbc00, 0x7bff}));
  using half_vector = Eigen::Matrix<Eigen::half, Eigen::Dynamic, 1>;
  EXPECT_EQ(io::read_npy<half_vector>(folder / "half.npy"), halves);

  io::write_npy(folder / "bool.npy", Eigen::Array<bool, 2, 1>(true, false));
  EXPECT_EQ(test::load_npy<std::uint8_t>(folder / "bool.npy").data, (std::vector<std::uint8_t>{1, 0}));
  io::write_npy(folder / "empty.npy", Eigen::MatrixXi(0, 4));
  EXPECT_EQ(io::read_npy<Eigen::MatrixXi>(folder / "empty.npy").cols(), 4);
}

// Catches bfloat16 being written under the name of another type.
TEST(write_npy, has_no_bfloat16) {
  const test::temporary_directory folder;
  const Eigen::Matrix<Eigen::bfloat16, 2, 2> matrix = Eigen::Matrix2f::Ones().cast<Eigen::bfloat16>();
  EXPECT_EQ(
      test::failure_of<bitgauge::data_error>([&] { io::write_npy(folder / "a.npy", matrix); }),
      (folder / "a.npy").string() + ": .npy has no type for BF16; convert to float, or write .safetensors");
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
