#pragma once

/// \file
/// Writing the tensors that together hold one layer.

#include <bitgauge/io/safetensors/writer.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// One tensor of a layer: its name behind the layer's, and its little-endian bytes.
struct stored_part {
  std::string suffix;
  dtype type;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint8_t> bytes;
};

template <class Values>
std::vector<std::uint8_t> copied_bytes(const Values& values) {
  const auto bytes = std::as_bytes(std::span(values.data(), static_cast<std::size_t>(values.size())));
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return {first, first + bytes.size()};
}

/// The bytes of a text are its characters.
inline stored_part text_part(std::string suffix, std::string_view text) {
  return {std::move(suffix), dtype::u8, {text.size()}, copied_bytes(text)};
}

/// A single number of one byte.
inline stored_part byte_part(std::string suffix, int value) {
  return {std::move(suffix), dtype::u8, {}, {static_cast<std::uint8_t>(value)}};
}

inline void declare_parts(safetensors_writer& writer, const std::string& name,
                          const std::vector<stored_part>& parts) {
  for (const stored_part& part : parts) writer.declare(name + part.suffix, part.type, part.shape);
}
inline void write_parts(safetensors_writer& writer, const std::string& name,
                        const std::vector<stored_part>& parts) {
  for (const stored_part& part : parts)
    writer.write(name + part.suffix, std::as_bytes(std::span(part.bytes)));
}

}  // namespace bitgauge::io::detail
