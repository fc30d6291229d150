#pragma once

/// \file
/// NumPy's .npy files: one array each.
/// Source: NEP 1, "A Simple File Format for NumPy Arrays"; numpy.lib.format.

#include <bitgauge/io/bytes/atomic_file.hpp>
#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/npy/header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// An .npy file of version 1.0, 2.0 or 3.0: floats of 2, 4 and 8 bytes, integers of 1 to 8, bool; both byte
/// orders, C and Fortran order, any number of dimensions. The data is mapped, not read; big-endian data alone
/// is copied. Bytes after the array are ignored, as NumPy does.
class npy_file {
 public:
  /// Raises io_error where the file cannot be opened and parse_error where it is not what the format says.
  explicit npy_file(const std::filesystem::path& path) : npy_file(byte_source(path)) {}
  /// The same from memory, which must outlive this object; `name` is for messages.
  npy_file(std::span<const std::byte> bytes, std::string name)
      : npy_file(byte_source(bytes, std::move(name))) {}

  /// The array: type, shape, order and little-endian elements. Its name is the file's.
  const tensor_view& array() const noexcept { return array_; }

  /// Gives memory back that some bytes of the file take, see mapped_file.
  void forget(std::span<const std::byte> some) const noexcept { source_.forget(some); }

 private:
  explicit npy_file(byte_source source) : source_(std::move(source)) {
    byte_reader reader(source_.bytes(), source_.name());
    if (reader.text(6, "magic") != "\x93NUMPY") reader.fail_at(0, "magic", "expected \\x93NUMPY");
    const auto major = reader.number<std::uint8_t>("version");
    const auto minor = reader.number<std::uint8_t>("version");
    if (major < 1 || major > 3 || minor != 0) {
      reader.fail_at(
          6, "version",
          "expected 1.0, 2.0 or 3.0, found " + std::to_string(major) + "." + std::to_string(minor));
    }
    const std::uint64_t length = major == 1 ? reader.number<std::uint16_t>("header length")
                                            : reader.number<std::uint32_t>("header length");
    const std::uint64_t start = reader.offset();
    const auto header =
        detail::npy_header_parser(reader.text(length, "header"), start, source_.name()).parse();

    std::uint64_t size = size_of(header.type);
    bool fits = true;
    for (const std::uint64_t extent : header.shape) fits &= checked_multiply(size, extent, size);
    if (std::ranges::count(header.shape, std::uint64_t{0}) > 0) {
      size = 0;
    } else if (!fits) {
      reader.fail_at(start, "shape", "the number of bytes exceeds 64 bits");
    }
    array_ = {source_.name(), header.type, header.shape, reader.take(size, "data"), header.order};
    if (header.big_endian) swap_bytes();
  }

  /// Replaces big-endian data by a little-endian copy.
  void swap_bytes() {
    auto swapped = std::make_shared<std::vector<std::byte>>(array_.data.begin(), array_.data.end());
    const auto width = static_cast<std::ptrdiff_t>(size_of(array_.type));
    for (auto at = swapped->begin(); at != swapped->end(); at += width) std::reverse(at, at + width);
    array_.data = *swapped;
    swapped_ = std::move(swapped);
  }

  byte_source source_;
  std::shared_ptr<const std::vector<std::byte>> swapped_;
  tensor_view array_;
};

/// Reads an array of at most two dimensions as an Eigen matrix, such as `read_npy<Eigen::MatrixXf>(path)`.
/// Elements are converted as by to_matrix(), and the same errors are raised.
template <class Matrix>
Matrix read_npy(const std::filesystem::path& path) {
  return to_matrix<Matrix>(npy_file(path).array());
}

namespace detail {

/// Everything before the data, as NumPy writes it: version 1.0, padded with spaces so that the data begins at
/// a multiple of 64 bytes.
inline std::string npy_preamble(dtype type, std::span<const std::uint64_t> shape) {
  std::string text = "{'descr': '";
  text += size_of(type) > 1 ? '<' : '|';
  text += npy_kind_and_size(type) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  text += shape.size() == 1 ? ",), }" : "), }";
  constexpr std::size_t before = 10, alignment = 64;  // magic, version and length; then text and a newline
  text.append(alignment - 1 - (before + text.size()) % alignment, ' ');
  text += '\n';
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble += static_cast<char>(text.size() & 0xffu);
  preamble += static_cast<char>(text.size() >> 8);
  return preamble + text;
}

}  // namespace detail

/// Writes the elements of a matrix, row by row, as an array of `shape`, outermost first. Raises shape_error
/// where that has another number of elements, and what the other write_npy raises.
template <class Derived>
void write_npy(const std::filesystem::path& path, const Eigen::DenseBase<Derived>& matrix,
               const std::vector<std::uint64_t>& shape) {
  constexpr dtype type = dtype_of<typename Derived::Scalar>;
  if (!detail::npy_can_hold(type)) {
    raise(data_error(path.string() + ": .npy has no type for " + std::string(name_of(type)) +
                     "; convert to float, or write .safetensors"));
  }
  const std::optional<std::uint64_t> count = byte_size(dtype::u8, shape);  // a byte an element
  if (count != static_cast<std::uint64_t>(matrix.size()))
    raise(shape_error(path.string() + ": expected a shape of " + std::to_string(matrix.size()) +
                      " elements, found " + (count ? std::to_string(*count) : "more than 64 bits")));
  const std::string preamble = detail::npy_preamble(type, shape);
  atomic_file file(path);
  file.write(std::as_bytes(std::span(preamble)));
  write_elements(matrix, [&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

/// Writes a matrix, array or expression of float, double, Eigen::half, bool or integers in C order,
/// atomically. A type that is a vector at compile time becomes an array of one dimension, all others one of
/// two. Raises data_error for Eigen::bfloat16, which NumPy has no type for, and io_error where the system
/// refuses.
template <class Derived>
void write_npy(const std::filesystem::path& path, const Eigen::DenseBase<Derived>& matrix) {
  std::vector<std::uint64_t> shape{static_cast<std::uint64_t>(matrix.rows()),
                                   static_cast<std::uint64_t>(matrix.cols())};
  if constexpr (Derived::IsVectorAtCompileTime) shape = {static_cast<std::uint64_t>(matrix.size())};
  write_npy(path, matrix, shape);
}

}  // namespace bitgauge::io
