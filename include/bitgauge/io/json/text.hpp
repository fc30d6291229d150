#pragma once

/// \file
/// Text as JSON, and small JSON texts from outside as trees.

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/json/visitor.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace bitgauge::io::detail {

/// `text` in quotes and escaped, or nothing where it is not UTF-8, which JSON cannot hold.
BITGAUGE_DECLARE std::optional<std::string> json_text(const std::string& text);

/// True where JSON can hold `text`.
inline bool is_utf8(const std::string& text) {
  return json_text(text).has_value();
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

/// `text` as a tree: discarded (is_discarded()) where it is no JSON or nested deeper than json_depth_limit:
/// what handles trees recurses.
BITGAUGE_DECLARE nlohmann::ordered_json parse_json(std::string_view text);

/// The start of `json` as text, for messages.
BITGAUGE_DECLARE std::string shown(const nlohmann::ordered_json& json);

}  // namespace bitgauge::io::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/json/text_definitions.hpp>
#endif
