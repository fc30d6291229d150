#pragma once

/// \file
/// What grid_of.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/grid_of.hpp>
#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>

#include <string>

namespace bitgauge::detail {

BITGAUGE_DEFINE shared_grid grid_of(const scheme& s) {
  const std::string name(s.grid.view());
  for (const named_grid& entry : named_grids())
    if (entry.name == name) return entry.make(s);
  if (is_block_type_name(name))
    raise(invalid_scheme("scheme: " + name +
                         " is a ggml type, no grid: write quantize(W, gguf::tensor_type::" + name +
                         "), or quantize(W, \"" + name + "\") with <bitgauge/model/quantize.hpp>"));
  raise(invalid_scheme("scheme: " + unknown_name(name)));
}

}  // namespace bitgauge::detail
