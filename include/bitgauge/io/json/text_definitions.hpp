#pragma once

/// \file
/// What text.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/io/json/visitor.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace bitgauge::io::detail {

BITGAUGE_DEFINE std::optional<std::string> json_text(const std::string& text) {
  const nlohmann::ordered_json value(text);
  std::string json = value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (nlohmann::ordered_json::parse(json) != value) return std::nullopt;
  return json;
}

BITGAUGE_DEFINE nlohmann::ordered_json parse_json(std::string_view text) {
  if (is_deeper_than(text, json_depth_limit))
    return nlohmann::ordered_json(nlohmann::json::value_t::discarded);
  return nlohmann::ordered_json::parse(text.begin(), text.end(), nullptr, false);
}

BITGAUGE_DEFINE std::string shown(const nlohmann::ordered_json& json) {
  return excerpt(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace bitgauge::io::detail
