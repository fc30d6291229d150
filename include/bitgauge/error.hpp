#pragma once

/// \file
/// Every failure of the library: one message that says what, where, expected and found, thrown as one of six
/// types. Where a program is built without exceptions, the handler is called instead and must not return.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/base/printable.hpp>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bitgauge {

/// The base of all errors thrown by bitgauge.
class bitgauge_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Two shapes that must agree do not, or an index is out of range.
class shape_error : public bitgauge_error {
 public:
  using bitgauge_error::bitgauge_error;
};

/// A scheme, or one of its six answers, that cannot be: bits out of 1..8, a group of 0, an unknown name.
class invalid_scheme : public bitgauge_error {
 public:
  using bitgauge_error::bitgauge_error;
};

/// Numbers that cannot be quantized as asked: NaN under nonfinite::reject, a scale that its storage cannot
/// hold.
class data_error : public bitgauge_error {
 public:
  using bitgauge_error::bitgauge_error;
};

/// The operating system refused: a missing file, a full disk. The message ends with its reason.
class io_error : public bitgauge_error {
 public:
  using bitgauge_error::bitgauge_error;
};

/// A file whose bytes are not what its format says.
class parse_error : public bitgauge_error {
 public:
  /// \param file    path as given by the caller
  /// \param offset  byte offset in the file at which the fault was seen
  /// \param field   the field being read, such as "header length" or "tensor w: data_offsets"
  /// \param problem expected and found
  ///
  /// Field and problem may hold what the file says: they become printable(), and no longer than quoted_limit
  /// and two times that.
  parse_error(std::string file, std::uint64_t offset, const std::string& field, const std::string& problem)
      : bitgauge_error(file + ": byte " + std::to_string(offset) + ": " + excerpt(field) + ": " +
                       printable(problem, 2 * quoted_limit)),
        file_(std::move(file)),
        field_(excerpt(field)),
        offset_(offset) {}

  const std::string& file() const noexcept { return file_; }
  const std::string& field() const noexcept { return field_; }
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::string file_, field_;
  std::uint64_t offset_;
};

/// The work was ended because the caller asked for it, by options::cancel. There is no result, and nothing
/// that the caller owns was changed.
class cancelled : public bitgauge_error {
 public:
  using bitgauge_error::bitgauge_error;
};

/// Called in place of a throw in programs built with -fno-exceptions. It must not return.
using error_handler = void (*)(const char* message);

/// The handler in force; assign to replace it. The default prints the message to stderr and aborts.
inline error_handler on_error = [](const char* message) {
  std::fprintf(stderr, "bitgauge: %s\n", message);
  std::abort();
};

/// Throws `failure`, or passes its message to on_error where exceptions are off.
template <std::derived_from<bitgauge_error> Error>
[[noreturn, gnu::cold]] void raise(const Error& failure) {
#if BITGAUGE_EXCEPTIONS
  throw failure;
#else
  on_error(failure.what());
  std::abort();
#endif
}

namespace detail {

/// A piece of a message: text, a whole number, or another with six digits behind the point (1e9 and more, and
/// less than 1e-4, as powers of ten).
class message_part {
 public:
  constexpr message_part(const char* text) : text_(text) {}
  constexpr message_part(std::string_view text) : text_(text) {}
  message_part(const std::string& text) : text_(text) {}
  template <std::integral Number>
  constexpr message_part(Number number) : kind_(kind::integer), integer_(static_cast<long long>(number)) {}
  constexpr message_part(float number) : kind_(kind::real), real_(static_cast<double>(number)) {}
  constexpr message_part(double number) : kind_(kind::real), real_(number) {}

  [[gnu::cold]] void append_to(std::string& all) const {
    if (kind_ == kind::text) all.append(text_);
    if (kind_ == kind::integer) all.append(std::to_string(integer_));
    if (kind_ == kind::real) all.append(real_text());
  }

 private:
  /// 1e+30 and 1e-07, of which six digits behind the point would be a long row or 0.000000.
  std::string real_text() const {
    const double magnitude = real_ < 0 ? -real_ : real_;
    const bool is_plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e9);
    return is_plain ? fixed_text(real_, 6) : general_text(real_, 6);
  }

  enum class kind { text, integer, real };
  kind kind_ = kind::text;
  std::string_view text_{};
  long long integer_ = 0;
  double real_ = 0;
};

/// The pieces one after the other: one function for all messages, where operator+ is several for each.
[[gnu::cold]] inline std::string message_of(std::initializer_list<message_part> parts) {
  std::string all;
  for (const message_part& part : parts) part.append_to(all);
  return all;
}

/// raise(Error(message_of(parts))).
template <std::derived_from<bitgauge_error> Error>
[[noreturn, gnu::cold]] void raise_message(std::initializer_list<message_part> parts) {
  raise(Error(message_of(parts)));
}

}  // namespace detail
}  // namespace bitgauge
