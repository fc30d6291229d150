#pragma once

/// \file
/// Tokens from .npy files, and texts.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/model/llama/model.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// The tokens of an .npy of whole numbers of any width, one after the other. Raises what reading the file raises,
/// data_error for other elements, for more than one dimension, and for numbers below 0 or not below `vocabulary`.
inline std::vector<llama::token> read_tokens(
    const std::filesystem::path& path,
    index_t vocabulary = index_t{std::numeric_limits<llama::token>::max()} + 1) {
  const npy_file file(path);
  const tensor_view& array = file.array();
  if (array.shape.size() != 1)
    bitgauge::detail::raise_message<data_error>(
        {path.string(), ": expected tokens in one dimension, found ", array.shape.size()});
  std::vector<llama::token> tokens(static_cast<std::size_t>(array.shape.front()));
  const auto read = [&]<class Integer>(Integer) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Integer value;
      std::memcpy(&value, array.data.data() + i * sizeof(Integer), sizeof(Integer));
      if (std::cmp_less(value, 0) || std::cmp_greater_equal(value, vocabulary))
        bitgauge::detail::raise_message<data_error>({path.string(), ": token ", i, ": expected 0 to ",
                                                     vocabulary - 1, ", found ", std::to_string(value)});
      tokens[i] = static_cast<llama::token>(value);
    }
  };
  switch (array.type) {
    case dtype::u8:
      read(std::uint8_t());
      break;
    case dtype::i8:
      read(std::int8_t());
      break;
    case dtype::u16:
      read(std::uint16_t());
      break;
    case dtype::i16:
      read(std::int16_t());
      break;
    case dtype::u32:
      read(std::uint32_t());
      break;
    case dtype::i32:
      read(std::int32_t());
      break;
    case dtype::u64:
      read(std::uint64_t());
      break;
    case dtype::i64:
      read(std::int64_t());
      break;
    default:
      raise(data_error(path.string() + ": expected tokens as whole numbers, found " +
                       std::string(name_of(array.type))));
  }
  return tokens;
}

/// A file as text. Raises io_error where it cannot be read.
inline std::string read_text(const std::filesystem::path& path) {
  const byte_source source(path);
  const auto bytes = source.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace bitgauge::io
