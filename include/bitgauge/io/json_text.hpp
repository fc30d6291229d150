#pragma once

/// \file
/// Small JSON texts from outside as trees.

#include <bitgauge/error.hpp>
#include <bitgauge/io/json_visitor.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace bitgauge::io::detail {

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

/// `text` as a tree: discarded (is_discarded()) where it is no JSON or nested deeper than json_depth_limit:
/// what handles trees recurses.
inline nlohmann::ordered_json parse_json(std::string_view text) {
  if (is_deeper_than(text, json_depth_limit))
    return nlohmann::ordered_json(nlohmann::json::value_t::discarded);
  return nlohmann::ordered_json::parse(text.begin(), text.end(), nullptr, false);
}

/// The start of `json` as text, for messages.
inline std::string shown(const nlohmann::ordered_json& json) {
  return excerpt(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace bitgauge::io::detail
