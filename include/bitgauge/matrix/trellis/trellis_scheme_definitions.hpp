#pragma once

/// \file
/// What trellis_scheme.hpp declares.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace bitgauge {

BITGAUGE_DEFINE bool is_trellis_text(std::string_view text) {
  return detail::lower_case(detail::trimmed(text.substr(0, text.find(':')))) == "trellis";
}

BITGAUGE_DEFINE trellis_scheme parse_trellis(std::string_view text) {
  const auto fail = [&](const std::string& what) {
    raise(invalid_scheme("scheme \"" + excerpt(text) + "\": " + what));
  };
  if (!is_trellis_text(text)) fail("expected trellis[:KEY=VALUE,...]");
  trellis_scheme s;
  std::string seen;
  for (std::size_t at = text.find(':'); at != std::string_view::npos;) {
    const std::size_t comma = text.find(',', at + 1);
    const std::string_view pair =
        text.substr(at + 1, comma == std::string_view::npos ? comma : comma - at - 1);
    at = comma;
    const std::size_t equals = pair.find('=');
    const std::string name(detail::trimmed(pair.substr(0, equals)));
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : detail::trimmed(pair.substr(equals + 1));
    const auto expected = [&](const std::string& what) {
      fail(name + ": expected " + what + ", found \"" + excerpt(value) + "\"");
    };
    if (seen.find("," + name + ",") != std::string::npos) fail(name + ": given twice");
    seen += "," + name + ",";
    if (name == "bits") {
      double bits = 0;
      if (!detail::read_number(value, bits) ||
          !(bits >= trellis_scheme::least_bits && bits <= trellis_scheme::most_bits))
        expected("a number from 0.1 to 8");
      s.bits = bits;
    } else if (name == "states") {
      int states = 0;
      constexpr int known[] = {1, 4, 8, 16, 32, 64, 128, 256};
      if (!detail::read_number(value, states) ||
          std::find(std::begin(known), std::end(known), states) == std::end(known))
        expected("1, 4, 8, 16, 32, 64, 128 or 256");
      s.states = states;
    } else if (name == "rounding") {
      if (value != "nearest" && value != "gptq") expected("nearest or gptq");
      s.rounding = value == "gptq" ? rounding_kind::gptq : rounding_kind::nearest;
    } else {
      fail("unknown key \"" + excerpt(name) + "\": expected one of bits, states, rounding");
    }
  }
  return s;
}

BITGAUGE_DEFINE std::string to_text(const trellis_scheme& s) {
  return "trellis:bits=" + detail::shortest_text(s.bits) +
         (s.states == trellis_scheme{}.states ? "" : ",states=" + std::to_string(s.states)) +
         (s.rounding == rounding_kind::gptq ? ",rounding=gptq" : "");
}

}  // namespace bitgauge
