#pragma once

/// \file
/// Writes importance matrices as llama.cpp does.
/// Source: llama.cpp, tools/imatrix/imatrix.cpp (names, types and metadata of the GGUF form).

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/gguf/value.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/model/tensors/importance_sums.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bitgauge::io {

/// What a file of importance says of the text that it is from.
struct importance_origin {
  std::string dataset{};      ///< a name of the text
  std::uint32_t windows = 0;  ///< that have been read
  std::uint32_t context = 0;  ///< tokens of each
};

/// Writes a GGUF of the importance matrices of some tensors: of each NAME.in_sum2, the sums of squares, and
/// NAME.counts, of how many inputs, both in float32. imatrix_file and importance_file read it, and so do llama.cpp's
/// tools where names are those of GGUF. The file appears whole or not at all. Raises data_error for a name that is
/// given twice or has more than 55 bytes, io_error where the system refuses.
inline void save_importance(const std::filesystem::path& path, const std::vector<importance_sums>& tensors,
                            const importance_origin& origin = {}) {
  gguf_writer writer(path);
  writer.set("general.type", std::string("imatrix"));
  gguf_array datasets;
  datasets.elements = std::vector<std::string>{origin.dataset};
  writer.set("imatrix.datasets", datasets);
  writer.set("imatrix.chunk_count", origin.windows);
  writer.set("imatrix.chunk_size", origin.context);
  for (const importance_sums& tensor : tensors) {
    writer.declare(tensor.name + ".in_sum2", gguf::tensor_type::f32,
                   {static_cast<std::uint64_t>(tensor.squares.size()), 1});
    writer.declare(tensor.name + ".counts", gguf::tensor_type::f32, {1, 1});
  }
  for (const importance_sums& tensor : tensors) {
    writer.write(tensor.name + ".in_sum2", row_matrix(tensor.squares.transpose().cast<float>()));
    writer.write(tensor.name + ".counts", row_matrix::Constant(1, 1, static_cast<float>(tensor.count)));
  }
  writer.commit();
}

}  // namespace bitgauge::io
