#pragma once

/// \file
/// The tensor types of ggml: their numbers in GGUF files, their names, and how many bytes a block of elements
/// takes. Source: `enum ggml_type` and the type traits of ggml, numbers 31..33 and 36..38 being withdrawn.

#include <bitgauge/error.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bitgauge::gguf {

/// A tensor type, with ggml's number as stored in a GGUF file.
enum class tensor_type : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40,
  q1_0 = 41,
  q2_0 = 42,
};

/// What is known of a type without looking into its blocks.
struct tensor_type_traits {
  tensor_type type;
  std::string_view name;   ///< ggml's spelling, such as "q4_K"
  std::uint32_t elements;  ///< elements in a block; 1 for plain numbers
  std::uint32_t bytes;     ///< bytes of a block

  /// Storage cost, scales included: 8 * bytes / elements.
  constexpr double bits_per_weight() const noexcept { return 8.0 * bytes / elements; }
  /// True for block formats and false for plain integers and floats.
  constexpr bool is_quantized() const noexcept { return elements > 1; }
};

/// Every type, in the order of ggml's numbers.
inline constexpr std::array<tensor_type_traits, 35> tensor_types{{
    {tensor_type::f32, "f32", 1, 4},
    {tensor_type::f16, "f16", 1, 2},
    {tensor_type::q4_0, "q4_0", 32, 18},
    {tensor_type::q4_1, "q4_1", 32, 20},
    {tensor_type::q5_0, "q5_0", 32, 22},
    {tensor_type::q5_1, "q5_1", 32, 24},
    {tensor_type::q8_0, "q8_0", 32, 34},
    {tensor_type::q8_1, "q8_1", 32, 36},
    {tensor_type::q2_k, "q2_K", 256, 84},
    {tensor_type::q3_k, "q3_K", 256, 110},
    {tensor_type::q4_k, "q4_K", 256, 144},
    {tensor_type::q5_k, "q5_K", 256, 176},
    {tensor_type::q6_k, "q6_K", 256, 210},
    {tensor_type::q8_k, "q8_K", 256, 292},
    {tensor_type::iq2_xxs, "iq2_xxs", 256, 66},
    {tensor_type::iq2_xs, "iq2_xs", 256, 74},
    {tensor_type::iq3_xxs, "iq3_xxs", 256, 98},
    {tensor_type::iq1_s, "iq1_s", 256, 50},
    {tensor_type::iq4_nl, "iq4_nl", 32, 18},
    {tensor_type::iq3_s, "iq3_s", 256, 110},
    {tensor_type::iq2_s, "iq2_s", 256, 82},
    {tensor_type::iq4_xs, "iq4_xs", 256, 136},
    {tensor_type::i8, "i8", 1, 1},
    {tensor_type::i16, "i16", 1, 2},
    {tensor_type::i32, "i32", 1, 4},
    {tensor_type::i64, "i64", 1, 8},
    {tensor_type::f64, "f64", 1, 8},
    {tensor_type::iq1_m, "iq1_m", 256, 56},
    {tensor_type::bf16, "bf16", 1, 2},
    {tensor_type::tq1_0, "tq1_0", 256, 54},
    {tensor_type::tq2_0, "tq2_0", 256, 66},
    {tensor_type::mxfp4, "mxfp4", 32, 17},
    {tensor_type::nvfp4, "nvfp4", 64, 36},
    {tensor_type::q1_0, "q1_0", 128, 18},
    {tensor_type::q2_0, "q2_0", 64, 18},
}};

/// The traits of ggml's type number `id`, or null where no type bears it.
constexpr const tensor_type_traits* find_tensor_type(std::uint32_t id) noexcept {
  for (const tensor_type_traits& entry : tensor_types) {
    if (static_cast<std::uint32_t>(entry.type) == id) return &entry;
  }
  return nullptr;
}

namespace detail {
/// The same letters of any case.
constexpr bool is_same_name(std::string_view a, std::string_view b) noexcept {
  constexpr auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) same = lower(a[i]) == lower(b[i]);
  return same;
}
}  // namespace detail

/// The traits of the type called `name`, in letters of any case ("q4_k", "Q4_K"), or null.
constexpr const tensor_type_traits* find_tensor_type(std::string_view name) noexcept {
  for (const tensor_type_traits& entry : tensor_types)
    if (detail::is_same_name(entry.name, name)) return &entry;
  return nullptr;
}

/// The traits of `type`. Raises invalid_scheme for a number that is no type.
constexpr const tensor_type_traits& traits_of(tensor_type type) {
  // no pointer to compare with null: under -fsanitize=undefined GCC 12 takes that for no constant
  for (const tensor_type_traits& entry : tensor_types)
    if (entry.type == type) return entry;
  raise(invalid_scheme("no ggml tensor type has the number " +
                       std::to_string(static_cast<std::uint32_t>(type))));
}

}  // namespace bitgauge::gguf
