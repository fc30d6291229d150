#pragma once

/// \file
/// effort::reference: ggml's encoders of all formats that have one here.

#include <bitgauge/gguf/reference/k_quants.hpp>
#include <bitgauge/gguf/reference/levels.hpp>
#include <bitgauge/gguf/reference/scalar.hpp>
#include <bitgauge/gguf/search/block_context.hpp>

#include <cstdint>

namespace bitgauge::gguf::reference {

/// Encodes `columns` elements, whole blocks, to ggml's bytes.
template <class Format>
requires(Format::has_reference)
void encode_blocks(const float* x, index_t columns, const float* importance, std::uint8_t* out) noexcept {
  encode_with<Format, encoder<Format>>(x, columns, context_of(x, columns, importance), out);
}

}  // namespace bitgauge::gguf::reference
