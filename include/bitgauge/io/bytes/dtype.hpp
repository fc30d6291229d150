#pragma once

/// \file
/// The element types that containers hold, and how their little-endian bytes become floats.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>
#include <bitgauge/numeric/e8m0.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/numeric/small_float.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace bitgauge::io {

/// The type of a tensor's elements.
enum class dtype : std::uint8_t {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,
  f8_e5m2,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  f6_e2m3,
  f6_e3m2,
  f4,
  c64,
};

/// What is known of an element type.
struct dtype_traits {
  dtype type;
  std::string_view name;  ///< as .safetensors spells it
  std::uint32_t bits;     ///< of an element
  char kind;              ///< 'f' float, 'i' signed, 'u' unsigned, 'b' bool, 'c' complex, as NumPy's letters;
                          ///< 's' a scale, 'p' floats packed in an order that .safetensors does not define
};

/// All element types, in the order of `dtype`: those of .safetensors.
/// Source: safetensors, src/tensor.rs, `enum Dtype`.
inline constexpr std::array<dtype_traits, 22> dtypes{{
    {dtype::f64, "F64", 64, 'f'},
    {dtype::f32, "F32", 32, 'f'},
    {dtype::f16, "F16", 16, 'f'},
    {dtype::bf16, "BF16", 16, 'f'},
    {dtype::f8_e4m3, "F8_E4M3", 8, 'f'},
    {dtype::f8_e5m2, "F8_E5M2", 8, 'f'},
    {dtype::i64, "I64", 64, 'i'},
    {dtype::i32, "I32", 32, 'i'},
    {dtype::i16, "I16", 16, 'i'},
    {dtype::i8, "I8", 8, 'i'},
    {dtype::u64, "U64", 64, 'u'},
    {dtype::u32, "U32", 32, 'u'},
    {dtype::u16, "U16", 16, 'u'},
    {dtype::u8, "U8", 8, 'u'},
    {dtype::boolean, "BOOL", 8, 'b'},
    {dtype::f8_e8m0, "F8_E8M0", 8, 's'},
    {dtype::f8_e4m3fnuz, "F8_E4M3FNUZ", 8, 'f'},
    {dtype::f8_e5m2fnuz, "F8_E5M2FNUZ", 8, 'f'},
    {dtype::f6_e2m3, "F6_E2M3", 6, 'p'},
    {dtype::f6_e3m2, "F6_E3M2", 6, 'p'},
    {dtype::f4, "F4", 4, 'p'},
    {dtype::c64, "C64", 64, 'c'},
}};

/// The traits of `type`.
constexpr const dtype_traits& traits_of(dtype type) noexcept {
  return dtypes[static_cast<std::size_t>(type)];
}
constexpr std::string_view name_of(dtype type) noexcept {
  return traits_of(type).name;
}
/// Bytes of an element; 0 for those of 4 and 6 bits, which only byte_size() counts.
constexpr std::size_t size_of(dtype type) noexcept {
  const std::uint32_t bits = traits_of(type).bits;
  return bits % 8 == 0 ? bits / 8 : 0;
}
/// True where convert_to() knows what each element stands for.
constexpr bool has_values(dtype type) noexcept {
  return traits_of(type).kind != 'c' && traits_of(type).kind != 'p';
}
/// True for every type whose elements are floating-point numbers, each on its own a value.
constexpr bool is_floating(dtype type) noexcept {
  return traits_of(type).kind == 'f';
}

/// The traits of the type that .safetensors calls `name`, or null.
constexpr const dtype_traits* find_dtype(std::string_view name) noexcept {
  for (const dtype_traits& entry : dtypes) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

/// The bytes of a tensor of this type and shape, or nothing where they exceed 64 bits or its bits fill no
/// whole number of bytes.
constexpr std::optional<std::uint64_t> byte_size(dtype type, std::span<const std::uint64_t> shape) noexcept {
  for (const std::uint64_t extent : shape)
    if (extent == 0) return 0;
  const std::uint64_t bits = traits_of(type).bits;
  std::uint64_t size = bits % 8 == 0 ? bits / 8 : bits;
  for (const std::uint64_t extent : shape)
    if (!checked_multiply(size, extent, size)) return std::nullopt;
  if (bits % 8 == 0) return size;
  return size % 8 == 0 ? std::optional(size / 8) : std::nullopt;
}

namespace detail {

/// The value of one stored element, in the C++ type that holds it exactly.
template <dtype Type>
auto load_element(const std::byte* bytes) noexcept {
  if constexpr (Type == dtype::f64) return from_little_endian<double>(bytes);
  if constexpr (Type == dtype::f32) return from_little_endian<float>(bytes);
  if constexpr (Type == dtype::f16) return numeric::half_to_float(from_little_endian<std::uint16_t>(bytes));
  if constexpr (Type == dtype::bf16)
    return numeric::bfloat16_to_float(from_little_endian<std::uint16_t>(bytes));
  if constexpr (Type == dtype::f8_e4m3)
    return numeric::e4m3::from_code(from_little_endian<std::uint8_t>(bytes)).to_float();
  if constexpr (Type == dtype::f8_e5m2)
    return numeric::e5m2::from_code(from_little_endian<std::uint8_t>(bytes)).to_float();
  if constexpr (Type == dtype::i64) return from_little_endian<std::int64_t>(bytes);
  if constexpr (Type == dtype::i32) return from_little_endian<std::int32_t>(bytes);
  if constexpr (Type == dtype::i16) return from_little_endian<std::int16_t>(bytes);
  if constexpr (Type == dtype::i8) return from_little_endian<std::int8_t>(bytes);
  if constexpr (Type == dtype::u64) return from_little_endian<std::uint64_t>(bytes);
  if constexpr (Type == dtype::u32) return from_little_endian<std::uint32_t>(bytes);
  if constexpr (Type == dtype::u16) return from_little_endian<std::uint16_t>(bytes);
  if constexpr (Type == dtype::u8) return from_little_endian<std::uint8_t>(bytes);
  if constexpr (Type == dtype::boolean) return *bytes != std::byte{0};
  if constexpr (Type == dtype::f8_e8m0)
    return numeric::e8m0::from_code(from_little_endian<std::uint8_t>(bytes)).to_float();
  if constexpr (Type == dtype::f8_e4m3fnuz)
    return numeric::e4m3_fnuz::from_code(from_little_endian<std::uint8_t>(bytes)).to_float();
  if constexpr (Type == dtype::f8_e5m2fnuz)
    return numeric::e5m2_fnuz::from_code(from_little_endian<std::uint8_t>(bytes)).to_float();
}

/// Converts elements from a type known at compile time.
template <dtype Type, class Float>
void convert_elements(const std::byte* bytes, std::size_t count, Float* out) {
  if constexpr (has_values(Type)) {
    for (std::size_t i = 0; i < count; ++i)
      out[i] = static_cast<Float>(load_element<Type>(bytes + i * size_of(Type)));
  } else if (count > 0) {
    raise(data_error("expected elements that are numbers, found " + std::string(name_of(Type))));
  }
}

template <class Float, std::size_t... I>
constexpr auto conversion_table(std::index_sequence<I...>) noexcept {
  using conversion = void (*)(const std::byte*, std::size_t, Float*);
  return std::array<conversion, sizeof...(I)>{&convert_elements<static_cast<dtype>(I), Float>...};
}

}  // namespace detail

/// Converts `count` elements of any type, little-endian and at any alignment, to float or double: exact where
/// the target can hold the value, else rounded to nearest, ties to even. Linear time. Raises data_error for a
/// type without has_values().
template <class Float>
void convert_to(dtype type, const std::byte* bytes, std::size_t count, Float* out) {
  static_assert(std::is_floating_point_v<Float>, "elements are converted to float or double");
  constexpr auto table = detail::conversion_table<Float>(std::make_index_sequence<dtypes.size()>());
  table[static_cast<std::size_t>(type)](bytes, count, out);
}

}  // namespace bitgauge::io
