#pragma once

/// \file
/// The names of grids in scheme texts.

#include <bitgauge/grid/grid.hpp>

#include <memory>
#include <string_view>

namespace bitgauge {
namespace detail {

using shared_grid = std::shared_ptr<const any_grid>;

/// The names of grids in scheme texts.
inline constexpr std::string_view grid_names[] = {
    "symmetric", "affine",     "nf4",           "fp4",           "normal_float", "lookup",   "dynamic8",
    "fp8_e4m3",  "fp8_e5m2",   "fp8_e4m3_fnuz", "fp8_e5m2_fnuz", "fp6_e3m2",     "fp6_e2m3", "fp4_e2m1",
    "mxfp4",     "mxfp6_e3m2", "mxfp6_e2m3",    "mxfp8_e4m3",    "mxfp8_e5m2",   "mxint8",   "nvfp4"};

}  // namespace detail

/// True where scheme texts know a grid by this name.
constexpr bool is_grid_name(std::string_view name) noexcept {
  for (const std::string_view each : detail::grid_names)
    if (each == name) return true;
  return false;
}

}  // namespace bitgauge
