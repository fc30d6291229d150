#pragma once

/// \file
/// What the tests of the block formats share: hashes of the reference vectors, and decoding into a vector.

#include <bitgauge/gguf/rows/decode_row.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace test {

/// FNV-1a of 64 bits, as the manifest writes it.
inline std::string hash_of_bytes(const void* data, std::size_t size) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 1099511628211ull;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

inline std::string hash_of(const std::vector<float>& values) {
  return hash_of_bytes(values.data(), values.size() * sizeof(float));
}

/// All elements of some whole blocks.
inline std::vector<float> decoded(bitgauge::gguf::tensor_type type, const std::vector<std::uint8_t>& bytes) {
  const auto& traits = bitgauge::gguf::traits_of(type);
  std::vector<float> values(bytes.size() / traits.bytes * traits.elements);
  bitgauge::gguf::decode_row(type, reinterpret_cast<const std::byte*>(bytes.data()),
                             static_cast<bitgauge::index_t>(values.size()), values.data());
  return values;
}

}  // namespace test
