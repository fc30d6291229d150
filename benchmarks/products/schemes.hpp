#pragma once

/// \file
/// The schemes whose products are measured.

#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include "product.hpp"

#include <string>
#include <variant>
#include <vector>

namespace bench {

using quantized_weights = std::variant<bitgauge::quantized_matrix, bitgauge::gguf::block_matrix>;

struct weight_scheme {
  std::string name;                             ///< of ggml's types in lower case
  quantized_weights (*quantize)(weight_shape);  ///< of normal_weights(shape)
};

const std::vector<weight_scheme>& weight_schemes();

}  // namespace bench
