#pragma once

/// \file
/// The description of a quantized tensor as text: see description.hpp for what it says.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/quantized_entry.hpp>

#include <string>
#include <string_view>

namespace bitgauge::io::detail {

/// A member of `tensors`: the name, and description_of(entry).
BITGAUGE_DECLARE std::string description_member(const quantized_entry& entry);

/// What description_reader reads from `text`, the description of `name` in `file`.
BITGAUGE_DECLARE quantized_entry read_description(const std::string& file, const std::string& name,
                                                  std::string_view text);

}  // namespace bitgauge::io::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/safetensors/description_text_definitions.hpp>
#endif
