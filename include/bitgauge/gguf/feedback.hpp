#pragma once

/// \file
/// Where error feedback meets the block formats: a matrix of ggml blocks as feedback_rounding sees it.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/rounding/feedback/target.hpp>

namespace bitgauge::gguf::detail {

/// Quantizes a source to blocks by error feedback. Raises invalid_scheme for codebook formats, whose elements
/// cannot be chosen one at a time, and shape_error for rows that blocks do not divide.
BITGAUGE_DECLARE block_matrix feed_back(const bitgauge::row_source& source, tensor_type type,
                                        const feedback_rounding& rounding, effort level,
                                        const options& options);

}  // namespace bitgauge::gguf::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/gguf/feedback_definitions.hpp>
#endif
