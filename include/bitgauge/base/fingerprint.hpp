#pragma once

/// \file
/// A number that tells texts and bytes from others.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace bitgauge::detail {

/// 64 bits of all that has been added, in its order. Two contents that differ in one word never agree, others by
/// chance alone; it guards against mistakes, not against forgers. Cost: a multiplication for 8 bytes.
class fingerprint {
 public:
  fingerprint& add(std::span<const std::byte> bytes) noexcept {
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) <= bytes.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data() + at, sizeof word);
      mix(word);
    }
    std::uint64_t rest = 0;
    if (at < bytes.size()) std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
    mix(rest);
    mix(bytes.size());  // where it ends, whatever follows
    return *this;
  }
  fingerprint& add(std::string_view text) noexcept { return add(std::as_bytes(std::span(text))); }
  template <class Number>
  requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  fingerprint& add(Number number) noexcept {
    return add(std::as_bytes(std::span(&number, 1)));
  }

  std::uint64_t value() const noexcept { return state_; }
  /// 16 digits of base 16.
  std::string text() const {
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[state_ >> shift & 15u];
    return digits;
  }

 private:
  // both steps can be undone, so that no two states fall together; the factor is odd, from the golden ratio
  void mix(std::uint64_t word) noexcept {
    state_ = (state_ ^ word) * 0x9e3779b97f4a7c15u;
    state_ ^= state_ >> 32;
  }

  std::uint64_t state_ = 0x6a09e667f3bcc908u;
};

}  // namespace bitgauge::detail
