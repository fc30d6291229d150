#pragma once

/// \file
/// Packs the blocks of ggml.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/kernel/packed_weights.hpp>

#include <memory>

namespace bitgauge::gguf {

/// The weights of `q`, packed for products: what packed_weights(q) holds. Levels take the fewest bits that tell
/// apart those that the format has, and scales and minima lie as they are stored, each number of a block by
/// itself: q4_K becomes 4.625 bits a weight, q6_K 6.5625. Nothing is lost: values are those that dequantize()
/// gives, bit for bit, and as levels are integers of 8 bits, integer products round activations only. Cost: one
/// pass over the blocks. `threads` as in options. Raises invalid_scheme for types that are not made of blocks.
BITGAUGE_DECLARE std::shared_ptr<const kernel::packed_data> pack_weights(const block_matrix& q, int threads);

}  // namespace bitgauge::gguf

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/pack/pack_blocks_definitions.hpp>
#endif
