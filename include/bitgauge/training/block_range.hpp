#pragma once

/// \file
/// Fake quantization by ggml's blocks: which values a block can represent.

#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/training/fake_quantize.hpp>

#include <cstdint>

namespace bitgauge::gguf {

/// Which values of a row are in the range that its blocks can represent: passes[c] is 1, else 0. Of levels that are
/// integers the values that round to one that encoders use, of other levels those from the lowest to the highest,
/// times the scale of the sub-block and with its minimum. Floats hold everything. Included so that
/// fake_quantize::by() finds it. Raises shape_error where there is no such row.
BITGAUGE_DECLARE void representable_row(const float* x, index_t row, const block_matrix& q,
                                        std::uint8_t* passes);

}  // namespace bitgauge::gguf

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/training/block_range_definitions.hpp>
#endif
