#pragma once

/// \file
/// The values that GGUF metadata holds.
/// Source: docs/gguf.md of ggml, `enum gguf_metadata_value_type`.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge::io {

struct gguf_array;

/// A metadata value. The alternatives stand in the order of GGUF's type numbers, so that index() is the
/// number.
using gguf_value =
    std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float,
                 bool, std::string, gguf_array, std::uint64_t, std::int64_t, double>;

/// An array of values of one type, empty ones included; index() of `elements` is GGUF's number of that type.
/// An array may hold arrays: the format allows it, but ggml's own reader does not.
struct gguf_array {
  std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
               std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>,
               std::vector<float>, std::vector<bool>, std::vector<std::string>, std::vector<gguf_array>,
               std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>
      elements;

  bool operator==(const gguf_array&) const = default;
};

/// A metadata entry.
struct gguf_entry {
  std::string name;
  gguf_value value;
};

/// ggml's names of the types, by number.
inline constexpr std::array<std::string_view, std::variant_size_v<gguf_value>> gguf_type_names{
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "str", "arr", "u64", "i64", "f64"};

/// The name of a value's type, such as "u32".
inline std::string_view type_name_of(const gguf_value& value) {
  return gguf_type_names[value.index()];
}

namespace detail {

/// The number of a type among the alternatives of gguf_value.
template <class T>
inline constexpr std::size_t gguf_type_number = [] {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return ((std::is_same_v<T, std::variant_alternative_t<I, gguf_value>> ? I : 0) + ...);
  }(std::make_index_sequence<std::variant_size_v<gguf_value>>());
}();
static_assert(gguf_type_number<gguf_array> == 9 && gguf_type_number<double> == 12);

/// The fewest bytes that a value takes in a file: counts are checked against the file with it before anything
/// is allocated.
template <class T>
inline constexpr std::size_t gguf_least_bytes = std::is_same_v<T, std::string> ? 8 : sizeof(T);
template <>
inline constexpr std::size_t gguf_least_bytes<gguf_array> = 12;

}  // namespace detail
}  // namespace bitgauge::io
