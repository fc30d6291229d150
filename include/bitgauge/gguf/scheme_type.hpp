#pragma once

/// \file
/// The ggml types in scheme texts: "q4_k:effort=best".

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace bitgauge::gguf {
namespace detail {

constexpr bool is_scheme_type(const tensor_type_traits& traits) noexcept {
  return traits.is_quantized() || traits.type == tensor_type::f32 || traits.type == tensor_type::f16 ||
         traits.type == tensor_type::bf16;
}
/// The names that schemes know are those of the types that can be written.
constexpr bool names_are_complete() noexcept {
  std::size_t writable = 0;
  for (const tensor_type_traits& traits : tensor_types) writable += is_scheme_type(traits) ? 1u : 0u;
  return writable == std::size(bitgauge::detail::block_type_names) &&
         std::all_of(std::begin(bitgauge::detail::block_type_names),
                     std::end(bitgauge::detail::block_type_names), [](std::string_view name) {
                       return std::any_of(tensor_types.begin(), tensor_types.end(), [&](const auto& traits) {
                         return is_same_name(traits.name, name) && is_scheme_type(traits);
                       });
                     });
}
static_assert(names_are_complete(), "suggestions.hpp: block_type_names and tensor_types differ");

}  // namespace detail

/// The ggml type that a scheme names. Throws invalid_scheme where it names none, and for fields that a ggml
/// type has no use for: it takes effort and rounding=gptq, with what belongs to GPTQ; f32, f16 and bf16 take
/// none.
inline tensor_type tensor_type_of(const scheme& s) {
  const tensor_type_traits* found = find_tensor_type(s.grid.view());
  if (found == nullptr || !detail::is_scheme_type(*found))
    raise(
        invalid_scheme("scheme \"" + to_text(s) + "\": " + std::string(s.grid.view()) + " is no ggml type"));
  const scheme bare = named_scheme(s.grid);
  scheme rest = s;
  if (found->is_quantized()) rest.effort = bare.effort;
  if (found->is_quantized() && s.rounding == rounding_kind::gptq) {
    rest.rounding = bare.rounding;
    rest.act_order = bare.act_order;
    rest.static_groups = bare.static_groups;
    rest.damping = bare.damping;
  }
  if (rest != bare)
    raise(invalid_scheme("scheme \"" + to_text(s) + "\": " +
                         (found->is_quantized()
                              ? "a ggml type takes effort, and rounding=gptq with what belongs "
                                "to it; the rest is the type's own"
                              : "floats take no keys")));
  return found->type;
}

}  // namespace bitgauge::gguf
