#pragma once

/// \file
/// Double quantization: the absmax of the blocks, quantized themselves (QLoRA, section 3).

#include <bitgauge/bitsandbytes/blockwise.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <span>
#include <vector>

namespace bitgauge::bitsandbytes {

/// absmax(i) = level(codes.codes[i]) * codes.absmax[i / codes.block_size] + offset, levels of the dynamic
/// signed map. 8 bits a scale and 32 for each `block_size` of them: with blocks of 64 and 256, 4 + 8/64 +
/// 32/(64*256) = 4.127 bits per weight.
struct nested_absmax {
  float offset = 0;
  blockwise_codes codes;

  friend bool operator==(const nested_absmax&, const nested_absmax&) = default;
};

/// Quantizes scales: offset = mean (summed in double, rounded once), then block-wise codes of the
/// differences.
inline nested_absmax nest_absmax(std::span<const float> absmax, index_t block_size = 256) {
  double sum = 0;
  for (const float scale : absmax) sum += static_cast<double>(scale);
  const float offset = absmax.empty() ? 0.0f : static_cast<float>(sum / static_cast<double>(absmax.size()));
  std::vector<float> differences(absmax.size());
  for (std::size_t i = 0; i < absmax.size(); ++i) differences[i] = absmax[i] - offset;
  return {offset, quantize_blockwise(differences, block_size, dynamic8::codebook)};
}

/// The scales, each from a product and a sum rounded one after the other. `codebook` is the map to look codes
/// up in.
inline std::vector<float> restore_absmax(const nested_absmax& nested,
                                         const codebook_grid& codebook = dynamic8::codebook) {
  std::vector<float> absmax(nested.codes.codes.size());
  dequantize_blockwise(nested.codes, codebook, absmax.data());
  for (float& scale : absmax) scale = numeric::uncontracted(scale) + nested.offset;
  return absmax;
}

}  // namespace bitgauge::bitsandbytes
