#pragma once

/// \file
/// The encoders of effort::best: see search/block_context.hpp for what an encoder is.

#include <bitgauge/gguf/search/block_context.hpp>

namespace bitgauge::gguf::best {

/// The encoder of least sum w (x - q)^2, by Format::family: one_scale.hpp, scale_min.hpp, byte_scale.hpp,
/// super_scale.hpp, super_scale_min.hpp, vector_codebook.hpp.
template <class Format>
struct encoder;

}  // namespace bitgauge::gguf::best
