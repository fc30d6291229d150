#pragma once

/// \file
/// The text `{"version": 1, "tensors": {NAME: DESCRIPTION, ...}}` of a .safetensors file taken apart.

#include <bitgauge/io/json/visitor.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// Finds where each description stands in the text. In one pass and without a tree: there may be as many as a
/// file has tensors, and the text comes from outside.
class description_list_visitor final : public open_json_visitor {
 public:
  /// `text` must outlive this object.
  description_list_visitor(std::string file, std::string_view text)
      : open_json_visitor(std::move(file), 0), text_(text) {}

  /// Names and descriptions, each a JSON object as text, in their order. Raises parse_error for another text.
  std::vector<std::pair<std::string, std::string_view>> descriptions;
  void visit() {
    json_visitor::visit(text_);
    if (!has_version_) fail("version: expected 1, found none");
    if (!has_tensors_) fail("tensors: expected an object, found none");
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (depth() != 1 || key_ != "version") return open_json_visitor::number_unsigned(number);
    if (number != 1) fail("version: expected 1, found " + std::to_string(number));
    return has_version_ = true;
  }
  bool key(string_t& text) override {
    if (depth() <= 2) key_ = text;
    return true;
  }

 private:
  /// What is not looked at is passed over; what must be an object, or the number 1, is not.
  void value(const char* found) const override {
    if (depth() == 0) unexpected(found);
    if (depth() == 1 && key_ == "version") fail(std::string("version: expected 1, found ") + found);
    if (depth() == 1 && key_ == "tensors") fail(std::string("tensors: expected an object, found ") + found);
    if (depth() == 2 && in_tensors_) fail("tensor " + key_ + ": expected an object, found " + found);
  }
  void begin_object() override {
    if (depth() == 1 && key_ == "tensors") {
      if (has_tensors_) fail("tensors: appears twice");
      in_tensors_ = has_tensors_ = true;
    }
    if (depth() == 2) start_ = offset() - 1;
  }
  void end_of_object() override {
    if (depth() == 2 && in_tensors_) descriptions.emplace_back(key_, text_.substr(start_, offset() - start_));
    if (depth() == 1) in_tensors_ = false;
  }

  std::string field() const override { return "__metadata__: bitgauge"; }
  std::string expected() const override { return "an object"; }

  std::string_view text_;
  std::string key_;
  std::size_t start_ = 0;
  bool in_tensors_ = false, has_version_ = false, has_tensors_ = false;
};

}  // namespace bitgauge::io::detail
