#pragma once

/// \file
/// Walks over JSON from outside and refuses what is not expected, with its byte offset.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace bitgauge::io::detail {

/// How deep arrays and objects may stand in each other where more than a fixed form is taken.
inline constexpr int json_depth_limit = 32;

/// Tells `visitor` of each part of `text`; `reached` follows the characters that have been read.
BITGAUGE_DECLARE void read_json(std::string_view text, const char*& reached,
                                nlohmann::json_sax<nlohmann::ordered_json>& visitor);

/// Refuses every event; a format overrides those that it expects. Events are taken as they come and no tree
/// is built, so that depth costs a bit a level and a key that appears twice is seen twice.
class json_visitor : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  /// \param start the byte offset of the text in the file
  json_visitor(std::string file, std::uint64_t start) : file_(std::move(file)), start_(start) {}

  /// Parses all of `text`. Raises parse_error at the character where it is not JSON or not what was expected.
  void visit(std::string_view text) {
    text_ = text.data();
    reached_ = text_;
    read_json(text, reached_, *this);
  }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_unsigned(number_unsigned_t) override { unexpected("a number"); }
  bool number_float(number_float_t, const string_t&) override {
    unexpected("a number that is no integer of 64 bits");
  }
  bool string(string_t&) override { unexpected("a text"); }
  bool binary(binary_t&) override { unexpected("binary data"); }
  bool start_object(std::size_t) override { unexpected("an object"); }
  bool key(string_t&) override { unexpected("a key"); }
  bool end_object() override { unexpected("the end of an object"); }
  bool start_array(std::size_t) override { unexpected("an array"); }
  bool end_array() override { unexpected("the end of an array"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::ordered_json::exception& failure) override {
    // The parser counts from 1 and its message repeats the place; what follows the last colon pair is the
    // reason.
    const std::string_view message = failure.what();
    const auto reason = message.find("syntax error");
    raise(bitgauge::parse_error(
        file_, start_ + (position > 0 ? position - 1 : 0), "header",
        "not JSON: " + std::string(reason == std::string_view::npos ? message : message.substr(reason))));
  }

 protected:
  /// Raises parse_error where the text has been read up to.
  [[noreturn]] void fail(const std::string& problem) const {
    raise(bitgauge::parse_error(file_, offset(), field(), problem));
  }
  [[noreturn]] void unexpected(const char* found) const {
    fail(std::string("expected ") + expected() + ", found " + found);
  }

  /// Bytes of the file read so far: the end of the event's text, or one more behind a number.
  std::uint64_t offset() const noexcept { return start_ + static_cast<std::uint64_t>(reached_ - text_); }
  const std::string& file() const noexcept { return file_; }

  /// What is being read, and what may come next: for messages.
  virtual std::string field() const = 0;
  virtual std::string expected() const = 0;

 private:
  std::string file_;
  std::uint64_t start_;
  const char* text_ = nullptr;
  const char* reached_ = nullptr;
};

/// Passes over what a format does not look at, at most json_depth_limit levels deep: value() is asked about
/// each value and array, and objects and keys are shown with their depth.
class open_json_visitor : public json_visitor {
 public:
  using json_visitor::json_visitor;

  bool null() final { return value("null"), true; }
  bool boolean(bool) final { return value("true or false"), true; }
  bool number_integer(number_integer_t) final { return value("a negative number"), true; }
  bool number_unsigned(number_unsigned_t) override { return value("a number"), true; }
  bool number_float(number_float_t, const string_t&) final { return value("a number with a fraction"), true; }
  bool string(string_t&) override { return value("a text"), true; }
  bool start_object(std::size_t) final { return begin_object(), enter(); }
  bool end_object() final { return --depth_, end_of_object(), true; }
  bool start_array(std::size_t) final { return value("an array"), enter(); }
  bool end_array() final { return --depth_, true; }

 protected:
  /// How many arrays and objects what comes stands in.
  int depth() const noexcept { return depth_; }
  /// Raises where something else than `found` must stand here.
  virtual void value(const char* found) const = 0;
  /// An object begins at depth(), ...
  virtual void begin_object() = 0;
  /// ... and one has ended there.
  virtual void end_of_object() = 0;

 private:
  bool enter() {
    if (++depth_ > json_depth_limit)
      fail("expected at most " + std::to_string(json_depth_limit) +
           " levels of arrays and objects, found more");
    return true;
  }

  int depth_ = 0;
};

}  // namespace bitgauge::io::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/json/visitor_definitions.hpp>
#endif
