#pragma once

/// \file
/// GGUF metadata values as text and back: every type, every bit.
///
/// A value is a type and a text:
///
///     u8 ... u64, i8 ... i64   the decimal number
///     f32, f64                 the decimal number of the double that equals it; inf, -inf; nan, or nan:HEX
///                              with the bits of any other NaN
///     bool                     true or false
///     str                      the string as it is
///     str:hex                  a string that is no UTF-8: two hexadecimal digits a byte
///     [T]                      an array of T, empty ones too: a JSON array whose strings and non-finite
///                              numbers stand in quotes
///     [arr]                    an array of arrays: each is an object of one member, {"T": [...]}

#include <bitgauge/io/gguf/value.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <variant>
#include <vector>

namespace bitgauge::io {

/// A value as a type and a text.
struct gguf_value_text {
  std::string type;
  std::string text;
};

namespace detail {

using value_json = nlohmann::ordered_json;

inline constexpr std::string_view hex_suffix = ":hex";

inline std::string hex_of(std::string_view bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {digits[byte >> 4], digits[byte & 15]};
  }
  return text;
}

/// The bytes that hex_of() spelled, or nothing.
inline std::optional<std::string> bytes_of_hex(std::string_view text) {
  std::string bytes;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (failure != std::errc() || end != text.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(static_cast<unsigned char>(value));
  }
  return bytes;
}

template <class Float>
using bits_of_float = std::conditional_t<sizeof(Float) == 8, std::uint64_t, std::uint32_t>;
/// The NaN that is called by no more than its name.
template <class Float>
inline constexpr auto plain_nan =
    static_cast<bits_of_float<Float>>(sizeof(Float) == 8 ? 0x7ff8000000000000u : 0x7fc00000u);
template <class Float>
inline constexpr auto float_infinity =
    static_cast<bits_of_float<Float>>(sizeof(Float) == 8 ? 0x7ff0000000000000u : 0x7f800000u);

template <class Float>
inline constexpr auto float_sign =
    static_cast<bits_of_float<Float>>(sizeof(Float) == 8 ? 0x8000000000000000u : 0x80000000u);

/// By its bits, whatever -ffast-math makes of comparisons.
template <class Float>
value_json json_of_float(Float value) {
  const auto bits = std::bit_cast<bits_of_float<Float>>(value);
  constexpr auto infinity = float_infinity<Float>;
  constexpr auto sign = float_sign<Float>;
  if ((bits & ~sign) < infinity) return static_cast<double>(value);
  if ((bits & ~sign) == infinity) return (bits & sign) != 0 ? "-inf" : "inf";
  if (bits == plain_nan<Float>) return "nan";
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, bits, 16).ptr;
  return "nan:" + std::string(digits, end);
}

template <class Float>
std::optional<Float> float_of_json(const value_json& value) {
  if (value.is_number()) {
    const auto number = value.get<double>();
    if (number > static_cast<double>(std::numeric_limits<Float>::max()) ||
        number < static_cast<double>(std::numeric_limits<Float>::lowest()))
      return std::nullopt;
    return static_cast<Float>(number);
  }
  if (!value.is_string()) return std::nullopt;
  const auto& word = value.get_ref<const std::string&>();
  using bits_type = bits_of_float<Float>;
  if (word == "inf") return std::bit_cast<Float>(float_infinity<Float>);
  if (word == "-inf")
    return std::bit_cast<Float>(static_cast<bits_type>(float_infinity<Float> | float_sign<Float>));
  if (word == "nan") return std::bit_cast<Float>(plain_nan<Float>);
  constexpr std::string_view prefix = "nan:";
  bits_type bits = 0;
  const char* last = word.data() + word.size();
  if (!word.starts_with(prefix)) return std::nullopt;
  const auto [end, failure] = std::from_chars(word.data() + prefix.size(), last, bits, 16);
  const bool is_nan = static_cast<bits_type>(bits << 1) > static_cast<bits_type>(float_infinity<Float> << 1);
  if (failure != std::errc() || end != last || !is_nan) return std::nullopt;
  return std::bit_cast<Float>(bits);
}

value_json json_of_array(const gguf_array& array);
bool array_of_json(std::string_view type, const value_json& list, gguf_array& array);

/// One value or element as JSON; `hex` spells the bytes of a string.
template <class T>
value_json json_of_element(const T& value, bool hex) {
  if constexpr (std::is_same_v<T, gguf_array>) {
    return json_of_array(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return hex ? hex_of(value) : value;
  } else if constexpr (std::is_floating_point_v<T>) {
    return json_of_float(value);
  } else {
    return value;
  }
}

template <class T>
std::optional<T> element_of_json(const value_json& value, bool hex) {
  if constexpr (std::is_same_v<T, gguf_array>) {
    gguf_array array;
    if (!value.is_object() || value.size() != 1) return std::nullopt;
    if (!array_of_json(value.begin().key(), value.begin().value(), array)) return std::nullopt;
    return array;
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) return std::nullopt;
    return hex ? bytes_of_hex(value.get_ref<const std::string&>()) : value.get<std::string>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return value.is_boolean() ? std::optional<bool>(value.get<bool>()) : std::nullopt;
  } else if constexpr (std::is_floating_point_v<T>) {
    return float_of_json<T>(value);
  } else if constexpr (std::is_unsigned_v<T>) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<T>::max())
      return std::nullopt;
    return static_cast<T>(value.get<std::uint64_t>());
  } else {
    const bool too_large =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (!value.is_number_integer() || too_large || value.get<std::int64_t>() < std::numeric_limits<T>::min())
      return std::nullopt;
    return static_cast<T>(value.get<std::int64_t>());
  }
}

/// The name of the type of an array's elements: with a mark where strings are spelled by their bytes.
inline std::string element_type_of(const gguf_array& array) {
  std::string name(gguf_type_names[array.elements.index()]);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&array.elements))
    if (!std::ranges::all_of(*texts, is_utf8)) name += hex_suffix;
  return name;
}

inline value_json list_of_array(const gguf_array& array) {
  const bool hex = element_type_of(array).ends_with(hex_suffix);
  value_json list = value_json::array();
  std::visit(
      [&](const auto& elements) {
        using element = typename std::decay_t<decltype(elements)>::value_type;
        for (const element& each : elements) list.push_back(json_of_element<element>(each, hex));
      },
      array.elements);
  return list;
}

inline value_json json_of_array(const gguf_array& array) {
  value_json one;
  one[element_type_of(array)] = list_of_array(array);
  return one;
}

/// Calls `visit` with the type called `name`, "str:hex" being str in bytes. False where there is none.
template <class Visit>
bool with_named_type(std::string_view name, const Visit& visit) {
  const bool hex = name == "str:hex";
  if (hex) name.remove_suffix(hex_suffix.size());
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ((gguf_type_names[I] == name &&
             visit(std::type_identity<std::variant_alternative_t<I, gguf_value>>(), hex)) ||
            ...);
  }(std::make_index_sequence<gguf_type_names.size()>());
}

inline bool array_of_json(std::string_view type, const value_json& list, gguf_array& array) {
  if (!list.is_array()) return false;
  return with_named_type(type, [&]<class T>(std::type_identity<T>, bool hex) {
    auto& elements = array.elements.emplace<std::vector<T>>();
    elements.reserve(list.size());
    for (const value_json& each : list) {
      std::optional<T> element = element_of_json<T>(each, hex);
      if (!element) return false;
      elements.push_back(*std::move(element));
    }
    return true;
  });
}

}  // namespace detail

/// `value` as a type and a text, from which value_of() makes the same value, bit by bit.
inline gguf_value_text typed_text_of(const gguf_value& value) {
  if (const auto* array = std::get_if<gguf_array>(&value))
    return {"[" + detail::element_type_of(*array) + "]", detail::list_of_array(*array).dump()};
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (detail::is_utf8(*text)) return {"str", *text};
    return {"str:hex", detail::hex_of(*text)};
  }
  const detail::value_json json = std::visit(
      [](const auto& v) { return detail::json_of_element<std::decay_t<decltype(v)>>(v, false); }, value);
  return {std::string(type_name_of(value)), json.is_string() ? json.get<std::string>() : json.dump()};
}

/// The value that typed_text_of() spelled, or nothing where the text is none of its type.
inline std::optional<gguf_value> value_of(const gguf_value_text& typed) {
  std::string_view type = typed.type;
  gguf_value value;
  if (type.starts_with('[') && type.ends_with(']')) {
    gguf_array array;
    const detail::value_json list = detail::parse_json(typed.text);
    if (!detail::array_of_json(type.substr(1, type.size() - 2), list, array)) return std::nullopt;
    value = std::move(array);
    return value;
  }
  const auto read_one = [&]<class T>(std::type_identity<T>, bool hex) {
    if constexpr (std::is_same_v<T, gguf_array>) {
      return false;
    } else {
      detail::value_json json = typed.text;
      constexpr bool is_text = std::is_same_v<T, std::string>;
      if (!is_text && !(std::is_floating_point_v<T> && typed.text.find_first_of("in") != std::string::npos))
        json = detail::parse_json(typed.text);
      std::optional<T> element = detail::element_of_json<T>(json, hex);
      if (!element) return false;
      value.emplace<T>(*std::move(element));
      return true;
    }
  };
  if (!detail::with_named_type(type, read_one)) return std::nullopt;
  return value;
}

}  // namespace bitgauge::io
