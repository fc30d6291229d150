#pragma once

/// \file
/// A scheme: the six answers as one structural value, for run time, template arguments and files.

#include <bitgauge/effort.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/grid/stored_levels.hpp>
#include <bitgauge/scale/storage.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace bitgauge {

/// A short name that can be part of a template argument: at most 23 characters, the rest zero.
struct format_name {
  std::array<char, 24> characters{};

  constexpr format_name() = default;
  /// Implicit, so that a name is written as a literal.
  constexpr format_name(const char* text) {
    for (std::size_t i = 0; text[i] != '\0' && i + 1 < characters.size(); ++i) characters[i] = text[i];
  }
  constexpr std::string_view view() const noexcept {
    std::size_t length = 0;
    while (length < characters.size() && characters[length] != '\0') ++length;
    return {characters.data(), length};
  }
  friend constexpr bool operator==(const format_name&, const format_name&) = default;
};

/// The ranges that have a name in scheme texts.
enum class range_kind : std::uint8_t { minmax, percentile, mse, kl };
/// The roundings that have a name in scheme texts.
enum class rounding_kind : std::uint8_t { nearest, stochastic, gptq };

/// A scheme. Every field has its default: scheme{} is affine:bits=8,group=row.
///
///     constexpr scheme w4{.grid = "affine", .bits = 4, .groups = per_group{128}};
///     auto a = quantize(W, w4);      // run time
///     auto b = quantize<w4>(W);      // compile time: a == b
struct scheme {
  format_name grid = "affine";  ///< symmetric, affine, or a named format such as nf4 or q4_k
  int bits = 8;                 ///< of symmetric, affine, normal_float and lookup grids
  bool full = false;            ///< symmetric_options::full
  bool signed_codes = false;    ///< affine_options::signed_codes; of normal_float: signed_normal_float
  bool unsigned_codes = false;  ///< symmetric_options::unsigned_codes
  bool torch = false;           ///< torch's conventions, of either grid
  granularity groups = per_row{};
  range_kind range = range_kind::minmax;
  float percentile = 99.9f;  ///< of range_kind::percentile, in percent
  rounding_kind rounding = rounding_kind::nearest;
  std::uint64_t seed = 0;  ///< of rounding_kind::stochastic
  bool act_order = false;  ///< of rounding_kind::gptq: columns in the order of falling Hessian diagonal
  /// Of rounding_kind::gptq: parameters of groups only from the original weights; see gptq_options.
  bool static_groups = false;
  float damping = 0.01f;  ///< of rounding_kind::gptq: fraction of the Hessian's mean diagonal
  scale_storage scales{};
  index_t double_block = 0;  ///< scales quantized themselves, in blocks of so many; 0: not
  bitgauge::effort effort = bitgauge::effort::normal;
  level_type levels = level_type::f16;  ///< of lookup: how the levels of rows are stored

  /// How scales are stored: as `scales` says, or quantized themselves where there is a double_block.
  constexpr scale_storage stored_scales() const noexcept {
    return double_block > 0 ? scale_storage(double_quantized{double_block}) : scales;
  }

  friend constexpr bool operator==(const scheme&, const scheme&) = default;
};

/// The integer grid of a scheme called symmetric or affine; its other fields do not matter.
constexpr integer_grid integer_grid_of(const scheme& s) {
  if (s.grid.view() == "symmetric")
    return make_symmetric(s.bits, {.full = s.full, .unsigned_codes = s.unsigned_codes, .torch = s.torch});
  return make_affine(s.bits, {.signed_codes = s.signed_codes, .restricted = false, .torch = s.torch});
}

}  // namespace bitgauge
