#pragma once

/// \file
/// What a fuzz target does with its bytes: read them as a file and touch all that was read. A failure must be
/// one of the library's own errors; anything else, a sanitizer's finding included, is a fault.
///
/// Built with `clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
/// -Iinclude -Itests` and run as `gguf_fuzz -max_total_time=600 NEW_FOLDER tests/data/io/corpus/gguf`.

#include <bitgauge/io/gguf/imatrix.hpp>
#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/gguf/texts.hpp>
#include <bitgauge/io/layers/weight_scales.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors/reader.hpp>

#include "fuzz/target.hpp"

#include <cstddef>
#include <cstdlib>
#include <vector>

namespace fuzz {

/// Keeps the compiler from dropping reads whose result nobody needs.
inline volatile unsigned checksum = 0;

/// Converts every element, so that a sanitizer sees a view that leaves the file.
inline void touch(const bitgauge::io::tensor_view& tensor) {
  if (!has_values(tensor.type)) return;
  if (tensor.data.size() % size_of(tensor.type) != 0) std::abort();
  std::vector<double> values(static_cast<std::size_t>(tensor.element_count()));
  bitgauge::io::convert_to(tensor.type, tensor.data.data(), values.size(), values.data());
}

inline void npy(bytes input) {
  const bitgauge::io::npy_file file(input, "input");
  touch(file.array());
  static_cast<void>(bitgauge::io::to_matrix<Eigen::MatrixXf>(file.array()));
}

inline void safetensors(bytes input) {
  const bitgauge::io::safetensors_file file(input, "input");
  for (const auto& tensor : file.tensors()) touch(tensor);
  const bitgauge::io::weight_scale_index scales(file.tensors());
  for (const auto& tensor : file.tensors()) {
    const bitgauge::io::weight_scales* found = scales.scales_of(tensor.name);
    if (found == nullptr || !found->problem.empty()) continue;
    std::vector<float> values(static_cast<std::size_t>(tensor.element_count()), 1.0f);
    bitgauge::io::apply_scales(*found, tensor.shape, values.data());
  }
  bitgauge::io::detail::gguf_texts_reader(file.metadata(), "input").read();
}

inline void gguf(bytes input) {
  const bitgauge::io::gguf_file file(input, "input", {.array_depth = 3});
  unsigned sum = 0;
  for (const auto& tensor : file.tensors()) {
    for (const std::byte byte : tensor.data) sum += static_cast<unsigned>(byte);
    if (const auto view = bitgauge::io::plain_view(tensor)) touch(*view);
  }
  checksum = sum;
}

inline void imatrix(bytes input) {
  const bitgauge::io::imatrix_file file(input, "input");
  for (const auto& entry : file.entries()) {
    const std::size_t found =
        entry.of_matrix(entry.matrices - 1).size();  // none for an expert without tokens
    if (found != 0 && found != static_cast<std::size_t>(entry.columns())) std::abort();
  }
}

}  // namespace fuzz
