#pragma once

/// \file
/// Little-endian numbers out of bytes and into bytes, and a cursor that never leaves its bytes.

#include <bitgauge/error.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// The bytes of `value`, least significant first. T is an integer or a float.
template <class T>
std::array<std::byte, sizeof(T)> to_little_endian(T value) noexcept {
  static_assert(std::is_arithmetic_v<T>);
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
  return bytes;
}

/// The number whose bytes, least significant first, begin at `bytes`, at any alignment.
template <class T>
T from_little_endian(const std::byte* bytes) noexcept {
  static_assert(std::is_arithmetic_v<T>);
  std::array<std::byte, sizeof(T)> copy;
  std::memcpy(copy.data(), bytes, sizeof(T));
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(copy);
  return std::bit_cast<T>(copy);
}

/// Appends numbers and text to a growing run of bytes.
class byte_writer {
 public:
  template <class T>
  void number(T value) {
    append(to_little_endian(value));
  }
  void text(std::string_view characters) { append(std::as_bytes(std::span(characters))); }
  void zeros(std::uint64_t count) { bytes_.resize(bytes_.size() + bitgauge::detail::as_size(count)); }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// All bytes; none are left here.
  std::vector<std::byte> take() noexcept { return std::move(bytes_); }

 private:
  // not insert(): GCC 12 takes its growth for an overflow
  void append(std::span<const std::byte> more) {
    const std::size_t size = bytes_.size();
    bytes_.resize(size + more.size());
    std::ranges::copy(more, bytes_.begin() + static_cast<std::ptrdiff_t>(size));
  }

  std::vector<std::byte> bytes_;
};

/// Walks forward over bytes from outside. Every step is checked against what is left before anything is read
/// or allocated; a step too far raises parse_error with file, byte offset and field.
class byte_reader {
 public:
  /// \param bytes all of the file, from which messages count their offsets
  /// \param file  the name for messages; must outlive the reader
  /// \param start where to begin, at most bytes.size()
  byte_reader(std::span<const std::byte> bytes, std::string_view file, std::uint64_t start = 0)
      : bytes_(bytes), file_(file), offset_(bitgauge::detail::as_size(start)) {
    if (start > bytes.size()) {
      offset_ = bytes.size();
      fail("start", "lies beyond the file's " + std::to_string(bytes.size()) + " bytes");
    }
  }

  /// Bytes from the start of the file.
  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t remaining() const noexcept { return bytes_.size() - offset_; }

  /// The next `count` bytes, in place.
  std::span<const std::byte> take(std::uint64_t count, std::string_view field) {
    if (count > remaining()) {
      fail(field, "needs " + std::to_string(count) + " bytes, " + std::to_string(remaining()) +
                      " are left in the file");
    }
    const auto taken = bytes_.subspan(offset_, bitgauge::detail::as_size(count));
    offset_ += taken.size();
    return taken;
  }

  /// The next number, little-endian.
  template <class T>
  T number(std::string_view field) {
    return from_little_endian<T>(take(sizeof(T), field).data());
  }

  /// The next `count` bytes as characters, in place.
  std::string_view text(std::uint64_t count, std::string_view field) {
    const auto raw = take(count, field);
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
  }

  /// Raises parse_error at `place`, where the count stands, unless `count` items of at least `least_bytes`
  /// each can still follow.
  void require_room(std::uint64_t count, std::uint64_t least_bytes, std::uint64_t place,
                    std::string_view field) const {
    if (count > remaining() / least_bytes) {
      fail_at(place, field,
              std::to_string(count) + " items of at least " + std::to_string(least_bytes) +
                  " bytes each do not fit the " + std::to_string(remaining()) + " bytes that are left");
    }
  }

  /// Raises parse_error at the current offset.
  [[noreturn]] void fail(std::string_view field, const std::string& problem) const {
    fail_at(offset_, field, problem);
  }
  /// Raises parse_error at another offset, such as where the faulty field began.
  [[noreturn]] void fail_at(std::uint64_t offset, std::string_view field, const std::string& problem) const {
    raise(parse_error(std::string(file_), offset, std::string(field), problem));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view file_;
  std::size_t offset_;
};

/// Sets `product` to a * b modulo 2^64 and returns whether it fits 64 bits.
constexpr bool checked_multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) noexcept {
  product = a * b;
  return a == 0 || product / a == b;
}

}  // namespace bitgauge::io
