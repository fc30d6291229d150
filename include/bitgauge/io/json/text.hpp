#pragma once

/// \file
/// Text as JSON, and small JSON texts from outside as trees.

#include <bitgauge/error.hpp>
#include <bitgauge/io/json/reader.hpp>
#include <bitgauge/io/json/visitor.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// True where JSON can hold `text`.
inline bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// `text` in quotes and escaped, or nothing where it is not UTF-8, which JSON cannot hold.
inline std::optional<std::string> json_text(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  constexpr std::string_view characters = "\"\\\b\f\n\r\t", names = "\"\\bfnrt", digits = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const std::size_t which = characters.find(c);
    if (which != std::string_view::npos) {
      json += '\\';
      json += names[which];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += c < 0x10 ? "\\u000" : "\\u001";
      json += digits[static_cast<std::size_t>(c) % 16];
    } else {
      json += c;
    }
  }
  return json + '"';
}

/// Whether brackets outside texts are nested deeper than `limit`; `text` need not be JSON. Linear time.
constexpr bool is_deeper_than(std::string_view text, int limit) noexcept {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\') ++i;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// Builds a tree of what is read; of two members of one name the later counts.
class json_tree final : public json_events {
 public:
  nlohmann::ordered_json take() { return std::move(root_); }

  bool null() override { return put(nullptr), true; }
  bool boolean(bool value) override { return put(value), true; }
  bool number_integer(number_integer_t value) override { return put(value), true; }
  bool number_unsigned(number_unsigned_t value) override { return put(value), true; }
  bool number_float(number_float_t value, const string_t&) override { return put(value), true; }
  bool string(string_t& value) override { return put(std::move(value)), true; }
  bool start_object(std::size_t) override { return enter(nlohmann::ordered_json::object()); }
  bool key(string_t& value) override { return member_ = &(*open_.back())[value], true; }
  bool end_object() override { return open_.pop_back(), true; }
  bool start_array(std::size_t) override { return enter(nlohmann::ordered_json::array()); }
  bool end_array() override { return open_.pop_back(), true; }

 private:
  nlohmann::ordered_json& put(nlohmann::ordered_json value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_object()) return *member_ = std::move(value);
    open_.back()->push_back(std::move(value));
    return open_.back()->back();
  }
  bool enter(nlohmann::ordered_json empty) { return open_.push_back(&put(std::move(empty))), true; }

  nlohmann::ordered_json root_;
  nlohmann::ordered_json* member_ = nullptr;   ///< whose value comes next
  std::vector<nlohmann::ordered_json*> open_;  ///< arrays and objects around what comes next
};

/// `text` as a tree: discarded (is_discarded()) where it is no JSON or nested deeper than json_depth_limit:
/// what handles trees recurses.
inline nlohmann::ordered_json parse_json(std::string_view text) {
  json_tree tree;
  std::size_t consumed = 0;
  if (is_deeper_than(text, json_depth_limit) || json_reader(text, tree, consumed).read())
    return nlohmann::ordered_json(nlohmann::json::value_t::discarded);
  return tree.take();
}

/// The start of `json` as text, for messages.
inline std::string shown(const nlohmann::ordered_json& json) {
  return excerpt(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace bitgauge::io::detail
