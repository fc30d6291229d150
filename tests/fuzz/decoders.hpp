#pragma once

/// \file
/// Blocks of every ggml type: decoded to the same bits by every instruction set, whatever the bytes.

#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "fuzz/target.hpp"

#include <vector>

namespace fuzz {

/// The first byte chooses the type, the rest is as many blocks as fit.
inline void decoders(bytes input) {
  using namespace bitgauge;
  const auto& types = gguf::tensor_types;
  if (input.empty()) return;
  const auto& traits = types[static_cast<std::size_t>(input.front()) % types.size()];
  const auto plain = io::plain_dtype(traits.type);
  if (plain && !(io::is_floating(*plain) && *plain != io::dtype::f64)) return;
  // from memory of their own, so that a read past the end is seen
  const std::vector<std::byte> blocks(
      input.begin() + 1, input.end() - static_cast<std::ptrdiff_t>((input.size() - 1) % traits.bytes));
  const auto columns = static_cast<index_t>(blocks.size() / traits.bytes * traits.elements);
  const auto decoded = [&] {
    std::vector<float> values(static_cast<std::size_t>(columns));
    gguf::decode_row(traits.type, blocks.data(), columns, values.data());
    return values;
  };
  const std::vector<float> selected = decoded();
  for (const simd::instruction_set set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    const std::vector<float> other = decoded();
    // NaN has many patterns, of which instructions may choose; all else is one
    for (std::size_t i = 0; i < other.size(); ++i)
      require(std::memcmp(&other[i], &selected[i], sizeof(float)) == 0 ||
              (numeric::is_nan(other[i]) && numeric::is_nan(selected[i])));
  }
}

}  // namespace fuzz
