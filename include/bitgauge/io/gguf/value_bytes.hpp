#pragma once

/// \file
/// GGUF metadata values out of bytes and into bytes.
/// Source: docs/gguf.md of ggml.

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>
#include <bitgauge/io/gguf/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace bitgauge::io::detail {

/// A string of GGUF: 64-bit length, then the bytes, which need not be UTF-8.
inline std::string read_gguf_string(byte_reader& reader, std::string_view field) {
  return std::string(reader.text(reader.number<std::uint64_t>(field), field));
}

inline void write_gguf_string(byte_writer& writer, std::string_view text) {
  writer.number<std::uint64_t>(text.size());
  writer.text(text);
}

/// A type number and a value of that type, at the reader's place.
/// \param field       what is read, for messages
/// \param array_depth how deep arrays may stand in arrays; 1 refuses an array of arrays
BITGAUGE_DECLARE gguf_value read_typed_gguf_value(byte_reader& reader, std::string field, int array_depth);

/// Writes a value behind its type number.
BITGAUGE_DECLARE void write_typed_gguf_value(byte_writer& writer, const gguf_value& value);

}  // namespace bitgauge::io::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/gguf/value_bytes_definitions.hpp>
#endif
