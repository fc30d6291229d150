#pragma once

/// \file
/// A quantized tensor without its bytes: what a file says of it, and what a plan decides.

#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/model/matrix_shape.hpp>
#include <bitgauge/transform/stored_transform.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge {

/// How the inputs of a layer are quantized: make_activation_quantizer(scheme, frozen) does it.
struct stored_activations {
  activation_scheme scheme;
  parameters frozen{};  ///< of a static scheme
};

/// One tensor of codes and scales. The layout's levels are filled once the tensor is read.
struct quantized_entry {
  std::string name;
  std::vector<std::uint64_t> shape;  ///< of the original, outermost first
  std::string original = "F32";      ///< the original's element type, by its name in .safetensors
  std::string scheme;                ///< how it was made; for people
  quantized_layout layout;
  bool has_levels = false;
  std::optional<stored_activations> activations{};
  /// What the weights were rewritten by. Its factors are filled once the tensor is read.
  std::optional<stored_transform> transform{};
  row_dimensions rows = row_dimensions::first;  ///< which dimensions of `shape` are the layout's rows
};

}  // namespace bitgauge
