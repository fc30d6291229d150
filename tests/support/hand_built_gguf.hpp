#pragma once

/// \file
/// GGUF files put together byte by byte, right or wrong.

#include "support/file_bytes.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace test {

inline std::string gguf_string(const std::string& text) {
  return little_endian<std::uint64_t>(text.size()) + text;
}

/// Key, type number and the bytes of the value.
inline std::string gguf_key(const std::string& key, std::uint32_t type, const std::string& value) {
  return gguf_string(key) + little_endian(type) + value;
}

inline std::string gguf_alignment(std::uint32_t alignment) {
  return gguf_key("general.alignment", 4, little_endian(alignment));
}

/// The description of a tensor.
inline std::string gguf_info(const std::string& name, const std::vector<std::int64_t>& dimensions,
                             std::uint32_t type, std::uint64_t offset) {
  std::string text = gguf_string(name) + little_endian(static_cast<std::uint32_t>(dimensions.size()));
  for (const std::int64_t extent : dimensions) text += little_endian(extent);
  return text + little_endian(type) + little_endian(offset);
}

/// Everything before the data, unpadded.
inline std::string gguf_header(const std::vector<std::string>& tensors, const std::vector<std::string>& keys,
                               std::uint32_t version = 3) {
  std::string text = "GGUF" + little_endian(version) + little_endian<std::uint64_t>(tensors.size()) +
                     little_endian<std::uint64_t>(keys.size());
  for (const std::string& key : keys) text += key;
  for (const std::string& tensor : tensors) text += tensor;
  return text;
}

/// Fills with zeros to a multiple of `alignment`.
inline std::string padded_to(std::string text, std::size_t alignment) {
  text.append((alignment - text.size() % alignment) % alignment, '\0');
  return text;
}

}  // namespace test
