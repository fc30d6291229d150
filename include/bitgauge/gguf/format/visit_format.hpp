#pragma once

/// \file
/// From a tensor type known at run time to the description of its blocks.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/format/formats.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace bitgauge::gguf {

namespace detail {

template <class List>
struct format_visitor;

template <class First, class... Rest>
struct format_visitor<format_list<First, Rest...>> {
  static constexpr std::array<tensor_type, 1 + sizeof...(Rest)> types{First::type, Rest::type...};

  /// True where every type of blocks has a description, one.
  static constexpr bool is_complete() noexcept {
    for (const tensor_type_traits& traits : tensor_types) {
      int found = 0;
      for (const tensor_type type : types) found += type == traits.type ? 1 : 0;
      if (found != (traits.is_quantized() ? 1 : 0)) return false;
    }
    return true;
  }

  template <class Visitor>
  static constexpr auto visit(tensor_type type, Visitor& visitor) {
    using result = decltype(visitor(First{}));
    using call = result (*)(Visitor&);
    constexpr call calls[] = {[](Visitor& v) -> result { return v(First{}); },
                              [](Visitor& v) -> result { return v(Rest{}); }...};
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (types[i] == type) return calls[i](visitor);
    }
    raise(invalid_scheme("tensor type " + std::string(traits_of(type).name) +
                         " is not a block format; expected a quantized type such as q4_K"));
  }
};

static_assert(format_visitor<block_formats>::is_complete(),
              "bitgauge: block_formats and tensor_types do not list the same types of blocks");

}  // namespace detail

/// Calls `visit` with a value of the format whose type is `type`, and returns what it returns, of one type for
/// all. Raises invalid_scheme for types that are not made of blocks.
template <class Visitor>
constexpr auto visit_format(tensor_type type, Visitor&& visit) {
  return detail::format_visitor<block_formats>::visit(type, visit);
}

/// Calls `visit` with a value of every format, in the order of block_formats.
template <class Visitor>
constexpr void for_each_format(Visitor&& visit) {
  [&]<class... Formats>(format_list<Formats...>) { (visit(Formats{}), ...); }(block_formats{});
}

}  // namespace bitgauge::gguf
