#pragma once

/// \file
/// Reads the .npy files of the reference vectors. Written apart from the library's own reader, so that a test
/// of one is no test of both.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace test {

static_assert(std::endian::native == std::endian::little);

/// An array as stored: C order, the last index fastest.
template <class T>
struct npy_array {
  std::vector<std::size_t> shape;
  std::vector<T> data;

  std::size_t rows() const { return shape.empty() ? 1 : shape.front(); }
  /// Elements of one row: the product of all dimensions but the first.
  std::size_t cols() const {
    std::size_t product = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) product *= shape[i];
    return product;
  }
  const T* row(std::size_t i) const { return data.data() + i * cols(); }
};

namespace detail {

/// Whether a little-endian type text of NumPy, such as "<f4", holds elements that T can stand for. binary16
/// is read as its uint16_t pattern, bool as uint8_t.
template <class T>
bool npy_type_is(std::string_view descr) {
  const auto size = static_cast<char>('0' + sizeof(T));
  if (descr.size() != 3 || descr[2] != size || (descr[0] == '>' && sizeof(T) > 1)) return false;
  const char kind = descr[1];
  if constexpr (std::is_floating_point_v<T>) return kind == 'f';
  if constexpr (std::is_signed_v<T>) return kind == 'i';
  return kind == 'u' || (sizeof(T) == 2 && kind == 'f') || (sizeof(T) == 1 && kind == 'b');
}

/// What follows `'key':` in a header, up to `end`.
inline std::string_view npy_field(std::string_view header, std::string_view key, char end) {
  const auto at = header.find(key);
  if (at == std::string_view::npos) return {};
  const auto from = header.find_first_not_of(" ", at + key.size());
  return header.substr(from, header.find(end, from) - from);
}

}  // namespace detail

/// Reads a whole array whose stored type is T's; throws std::runtime_error naming the file otherwise.
template <class T>
npy_array<T> load_npy(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& why) { throw std::runtime_error(path.string() + ": " + why); };
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail("cannot be opened");
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  if (bytes.size() < 10 || bytes.compare(0, 7, "\x93NUMPY\x01") != 0) fail("not an .npy file of version 1");
  const std::size_t length =
      static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  const std::string_view header(bytes.data() + 10, length);

  const auto descr = detail::npy_field(header, "'descr': '", '\'');
  if (!detail::npy_type_is<T>(descr)) fail("holds " + std::string(descr) + ", another type is asked for");
  if (detail::npy_field(header, "'fortran_order':", ',') != "False") fail("is not in C order");

  npy_array<T> array;
  std::size_t count = 1;
  const std::string shape(detail::npy_field(header, "'shape': (", ')'));
  for (std::size_t at = 0; at < shape.size();) {
    std::size_t used = 0;
    array.shape.push_back(std::stoull(shape.substr(at), &used));
    count *= array.shape.back();
    at = shape.find_first_not_of(", ", at + used);
  }
  if (bytes.size() - 10 - length != count * sizeof(T)) fail("has another size than its shape says");
  array.data.resize(count);
  if (count > 0) std::memcpy(array.data.data(), bytes.data() + 10 + length, count * sizeof(T));
  return array;
}

}  // namespace test
