#pragma once

/// \file
/// The grids that have a name in scheme texts.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/grid/normal_float.hpp>
#include <bitgauge/grid/signed_normal_float.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/scheme/grid_names.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::detail {

template <class Grid>
shared_grid share(const Grid& grid) {
  if constexpr (integer_grid_like<Grid>) {
    return std::make_shared<any_grid_of<integer_grid>>(grid);
  } else {
    return std::make_shared<any_grid_of<Grid>>(grid);
  }
}

struct named_grid {
  std::string_view name;
  shared_grid (*make)(const scheme&);
};

/// Refuses an option that the grid has no use for: ignored, it would be a silent fallback.
inline void refuse_options(const scheme& s,
                           std::initializer_list<std::pair<const char*, bool scheme::*>> keys) {
  for (const auto& [key, option] : keys)
    if (s.*option)
      raise(invalid_scheme("scheme: " + std::string(key) + ": " + std::string(s.grid.view()) +
                           " has no such option, found " + key + "=1"));
}

/// A grid that takes nothing from the scheme. The number makes it depend on the template that lists it.
template <class Grid, int>
constexpr named_grid fixed_grid(std::string_view name) {
  return {name, [](const scheme& s) {
            refuse_options(s, {{"full", &scheme::full},
                               {"signed", &scheme::signed_codes},
                               {"unsigned", &scheme::unsigned_codes},
                               {"torch", &scheme::torch}});
            shared_grid grid = share(Grid{});
            if (s.bits != scheme{}.bits && s.bits != grid->bits())
              raise(invalid_scheme("scheme: bits: " + std::string(s.grid.view()) + " has " +
                                   std::to_string(grid->bits()) + ", found " + std::to_string(s.bits)));
            return grid;
          }};
}

/// NormalFloat; its levels with a signed absmax depend on the length of groups.
template <int>
shared_grid normal_float_of(const scheme& s) {
  refuse_options(s,
                 {{"full", &scheme::full}, {"unsigned", &scheme::unsigned_codes}, {"torch", &scheme::torch}});
  if (!s.signed_codes) return share(make_normal_float(s.bits));
  if (s.groups.what != granularity::kind::group)
    raise(invalid_scheme(
        "scheme: signed: normal_float:signed=1 has the levels that are best for blocks of one size: "
        "expected group=N, such as group=64"));
  if (s.stored_scales().type > scale_type::bf16)
    raise(invalid_scheme(
        "scheme: scale: normal_float:signed=1 has scales with a sign: expected f32, f16 or bf16"));
  return share(signed_normal_float(s.bits, s.groups.size));
}

template <int Any = 0>
inline constexpr named_grid named_grid_rows[] = {
    {"symmetric",
     [](const scheme& s) {
       refuse_options(s, {{"signed", &scheme::signed_codes}});
       return share(integer_grid_of(s));
     }},
    {"affine",
     [](const scheme& s) {
       refuse_options(s, {{"full", &scheme::full}, {"unsigned", &scheme::unsigned_codes}});
       return share(integer_grid_of(s));
     }},
    fixed_grid<nf4, Any>("nf4"),
    fixed_grid<fp4, Any>("fp4"),
    {"normal_float", &normal_float_of<Any>},
    {"lookup",
     [](const scheme& s) {
       refuse_options(s, {{"full", &scheme::full},
                          {"signed", &scheme::signed_codes},
                          {"unsigned", &scheme::unsigned_codes},
                          {"torch", &scheme::torch}});
       if (s.rounding == rounding_kind::gptq)
         raise(
             invalid_scheme("scheme: rounding: lookup has a table for each row, which no error feedback "
                            "takes: expected nearest or "
                            "stochastic, found gptq"));
       return share(lookup_grid(s.bits, s.levels));
     }},
    fixed_grid<dynamic8, Any>("dynamic8"),
    fixed_grid<fp8_e4m3, Any>("fp8_e4m3"),
    fixed_grid<fp8_e5m2, Any>("fp8_e5m2"),
    fixed_grid<fp8_e4m3_fnuz, Any>("fp8_e4m3_fnuz"),
    fixed_grid<fp8_e5m2_fnuz, Any>("fp8_e5m2_fnuz"),
    fixed_grid<fp6_e3m2, Any>("fp6_e3m2"),
    fixed_grid<fp6_e2m3, Any>("fp6_e2m3"),
    fixed_grid<fp4_e2m1, Any>("fp4_e2m1"),
    fixed_grid<mxfp4, Any>("mxfp4"),
    fixed_grid<mxfp6_e3m2, Any>("mxfp6_e3m2"),
    fixed_grid<mxfp6_e2m3, Any>("mxfp6_e2m3"),
    fixed_grid<mxfp8_e4m3, Any>("mxfp8_e4m3"),
    fixed_grid<mxfp8_e5m2, Any>("mxfp8_e5m2"),
    fixed_grid<mxint8, Any>("mxint8"),
    fixed_grid<fp4_e2m1, Any>("nvfp4"),
};

/// One row a name. A template, as is what reads it, so that only who reads it compiles every grid.
template <int Any = 0>
std::span<const named_grid> named_grids() {
  static_assert(std::equal(std::begin(named_grid_rows<Any>), std::end(named_grid_rows<Any>),
                           std::begin(grid_names), std::end(grid_names),
                           [](const named_grid& grid, std::string_view name) { return grid.name == name; }),
                "grid_names.hpp: grid_names and named_grid_rows differ");
  return named_grid_rows<Any>;
}

/// Every name that a scheme text may begin with: grids, then the ggml types that are no grids as well.
template <int = 0>
std::vector<std::string_view> scheme_names() {
  std::vector<std::string_view> names;
  for (const named_grid& entry : named_grids()) names.push_back(entry.name);
  for (const std::string_view name : block_type_names)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

/// What is wrong with a name that is not known: what it was meant to be, and what there is.
template <int = 0>
std::string unknown_name(std::string_view name) {
  const std::vector<std::string_view> names = scheme_names();
  const std::string meant = scheme_meant(name, names);
  std::string all;
  for (const std::string_view each : names) all += (all.empty() ? "" : ", ") + std::string(each);
  return "unknown name \"" + excerpt(name) + "\"" + did_you_mean(meant) +
         (meant.empty() ? ": expected one of " : " Names are ") + all;
}

}  // namespace bitgauge::detail
