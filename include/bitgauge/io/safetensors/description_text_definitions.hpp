#pragma once

/// \file
/// What description_text.hpp declares.

#include <bitgauge/io/json/text.hpp>
#include <bitgauge/io/safetensors/description.hpp>
#include <bitgauge/io/safetensors/description_text.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace bitgauge::io::detail {

BITGAUGE_DEFINE std::string description_member(const quantized_entry& entry) {
  return nlohmann::ordered_json(entry.name).dump() + ":" + description_of(entry).dump();
}

BITGAUGE_DEFINE quantized_entry read_description(const std::string& file, const std::string& name,
                                                 std::string_view text) {
  return description_reader(file, name, parse_json(text)).read();
}

}  // namespace bitgauge::io::detail
