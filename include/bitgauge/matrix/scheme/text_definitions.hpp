#pragma once

/// \file
/// What text.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/grid_names.hpp>
#include <bitgauge/matrix/scheme/keys.hpp>
#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace bitgauge {

BITGAUGE_DEFINE scheme parse_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string name = detail::lower_case(detail::trimmed(text.substr(0, colon)));
  if (name.empty()) raise(invalid_scheme("scheme \"" + excerpt(text) + "\": expected NAME[:KEY=VALUE,...]"));
  if (!is_grid_name(name) && !detail::is_block_type_name(name))
    raise(invalid_scheme("scheme \"" + excerpt(text) +
                         "\": " + detail::unknown_name(detail::trimmed(text.substr(0, colon)))));
  scheme result = named_scheme(name.c_str());
  std::uint32_t seen = 0;  // a bit per key
  for (std::size_t at = colon; at != std::string_view::npos;) {
    const std::size_t comma = text.find(',', at + 1);
    detail::read_pair(text.substr(at + 1, comma == std::string_view::npos ? comma : comma - at - 1), text,
                      result, seen);
    at = comma;
  }
  return result;
}

BITGAUGE_DEFINE std::string to_text(const scheme& s) {
  std::string text(s.grid.view());
  char separator = ':';
  for (const detail::scheme_key& key : detail::scheme_keys()) {
    const std::string value = key.write(s);
    if (value.empty()) continue;
    text += separator + std::string(key.name) + "=" + value;
    separator = ',';
  }
  return text;
}

}  // namespace bitgauge
