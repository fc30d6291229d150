#pragma once

/// \file
/// A quantized tensor without its bytes: what a file says of it, and what a plan decides.

#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/model/tensors/matrix_shape.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

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

/// One tensor of codes and scales, or of levels of a trellis. The layout's levels are filled once the tensor is read.
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
  /// Of levels of a trellis, the bytes of its trellis_matrix; of the layout, rows and columns alone count then.
  std::optional<index_t> trellis_bytes{};

  /// All that is stored: codes, scales, zero points, levels, and the factors of a transform.
  index_t storage_bytes() const {
    return (trellis_bytes ? *trellis_bytes : layout.storage_bytes()) + factor_bytes();
  }
  /// Bits over elements, tables of levels left out; 0 without elements.
  double bits_per_weight() const {
    const auto elements =
        static_cast<double>(layout.groups.rows()) * static_cast<double>(layout.groups.cols());
    if (trellis_bytes) return elements > 0 ? 8 * static_cast<double>(storage_bytes()) / elements : 0;
    return layout.bits_per_weight() + (elements > 0 ? 8 * static_cast<double>(factor_bytes()) / elements : 0);
  }

 private:
  index_t factor_bytes() const {
    if (!transform) return 0;
    const index_t inputs = transform->has_input_factors() ? layout.groups.cols() : 0,
                  outputs = transform->has_output_factors() ? layout.groups.rows() : 0;
    return (inputs + outputs) * static_cast<index_t>(sizeof(float));
  }
};

}  // namespace bitgauge
