#pragma once

/// \file
/// Text as a JSON literal.

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace bitgauge::io::detail {

/// `text` in quotes and escaped, or nothing where it is not UTF-8, which JSON cannot hold.
inline std::optional<std::string> json_text(const std::string& text) {
  const nlohmann::ordered_json value(text);
  std::string json = value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (nlohmann::ordered_json::parse(json) != value) return std::nullopt;
  return json;
}

/// True where JSON can hold `text`.
inline bool is_utf8(const std::string& text) {
  return json_text(text).has_value();
}

/// The JSON in `text`, or a discarded value where it is none or objects and arrays stand deeper than `depth`
/// in each other.
inline nlohmann::ordered_json parse_json(const std::string& text, int depth) {
  using nlohmann::ordered_json;
  bool too_deep = false;
  const auto keep = [&](int level, ordered_json::parse_event_t event, ordered_json&) {
    const bool opens = event == ordered_json::parse_event_t::object_start ||
                       event == ordered_json::parse_event_t::array_start;
    too_deep = too_deep || (opens && level >= depth);
    return !too_deep;
  };
  ordered_json json = ordered_json::parse(text, keep, false);
  return too_deep ? ordered_json(ordered_json::value_t::discarded) : json;
}

}  // namespace bitgauge::io::detail
