#pragma once

/// \file
/// The first line of the input is a regular expression, the rest a name.

#include "bitgauge/name_filter.hpp"
#include "fuzz/target.hpp"

#include <algorithm>
#include <string>

namespace fuzz {

inline void name_filter(bytes input) {
  const std::string_view text = text_of(input);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string expression(text.substr(0, end)), name(text.substr(std::min(end + 1, text.size())));
  const program::name_filter include(expression, ""), exclude("", expression);
  // what one selects the other leaves out
  if (!expression.empty())
    require(include.reason_to_skip(name).has_value() != exclude.reason_to_skip(name).has_value());
}

}  // namespace fuzz
