#pragma once

/// \file
/// What value_bytes.hpp declares.

#include <bitgauge/io/gguf/value_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge::io::detail {

/// Reads values at the reader's place.
class gguf_value_reader {
 public:
  gguf_value_reader(byte_reader& reader, std::string field, int array_depth)
      : reader_(reader), field_(std::move(field)), array_depth_(array_depth) {}

  /// A type number and a value of that type.
  gguf_value typed_value() {
    gguf_value value;
    with_type(0, [&]<class T>(std::type_identity<T>) { value.emplace<T>(one<T>(0)); });
    return value;
  }

 private:
  /// Reads a type number and calls `visit` with the type.
  template <class Visit>
  void with_type(int depth, Visit&& visit) {
    const std::uint64_t place = reader_.offset();
    const auto number = reader_.number<std::uint32_t>(field_);
    if (number >= std::variant_size_v<gguf_value>) {
      reader_.fail_at(place, field_, "expected a value type 0..12, found " + std::to_string(number));
    }
    if (number == gguf_type_number<gguf_array> && depth >= array_depth_) {
      reader_.fail_at(place, field_,
                      "arrays may be nested " + std::to_string(array_depth_) + " deep, found more");
    }
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      static_cast<void>(
          ((number == I && (visit(std::type_identity<std::variant_alternative_t<I, gguf_value>>()), true)) ||
           ...));
    }(std::make_index_sequence<std::variant_size_v<gguf_value>>());
  }

  template <class T>
  T one(int depth) {
    if constexpr (std::is_same_v<T, gguf_array>) {
      return array(depth + 1);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return read_gguf_string(reader_, field_);
    } else if constexpr (std::is_same_v<T, bool>) {
      return reader_.number<std::uint8_t>(field_) != 0;  // as ggml, which takes any byte
    } else {
      return reader_.number<T>(field_);
    }
  }

  gguf_array array(int depth) {
    gguf_array result;
    with_type(depth, [&]<class T>(std::type_identity<T>) {
      const std::uint64_t place = reader_.offset();
      const auto count = reader_.number<std::uint64_t>(field_);
      reader_.require_room(count, gguf_least_bytes<T>, place, field_);
      auto& elements = result.elements.emplace<std::vector<T>>();
      elements.reserve(static_cast<std::size_t>(count));
      for (std::uint64_t i = 0; i < count; ++i) elements.push_back(one<T>(depth));
    });
    return result;
  }

  byte_reader& reader_;
  std::string field_;
  int array_depth_;
};

BITGAUGE_DEFINE gguf_value read_typed_gguf_value(byte_reader& reader, std::string field, int array_depth) {
  return gguf_value_reader(reader, std::move(field), array_depth).typed_value();
}

/// Writes a value without its type number.
template <class T>
void write_gguf_value(byte_writer& writer, const T& value) {
  if constexpr (std::is_same_v<T, gguf_array>) {
    writer.number(static_cast<std::uint32_t>(value.elements.index()));
    std::visit(
        [&](const auto& elements) {
          writer.number<std::uint64_t>(elements.size());
          using element = typename std::decay_t<decltype(elements)>::value_type;
          for (const element& each : elements) write_gguf_value<element>(writer, each);
        },
        value.elements);
  } else if constexpr (std::is_same_v<T, std::string>) {
    write_gguf_string(writer, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    writer.number<std::uint8_t>(value ? 1 : 0);
  } else {
    writer.number(value);
  }
}

BITGAUGE_DEFINE void write_typed_gguf_value(byte_writer& writer, const gguf_value& value) {
  writer.number(static_cast<std::uint32_t>(value.index()));
  std::visit([&](const auto& alternative) { write_gguf_value(writer, alternative); }, value);
}

}  // namespace bitgauge::io::detail
