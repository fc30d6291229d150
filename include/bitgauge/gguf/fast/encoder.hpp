#pragma once

/// \file
/// The encoders of effort::normal: see search/block_context.hpp for what an encoder is.

#include <bitgauge/gguf/search/block_context.hpp>

namespace bitgauge::gguf::fast {

/// The encoder that searches in vectors for a small sum w (x - q)^2, w the importance (null: 1), by Format::family:
/// search.hpp, vector_codebook.hpp.
template <class Format>
struct encoder;

}  // namespace bitgauge::gguf::fast
