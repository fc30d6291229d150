#pragma once

/// \file
/// Our own quantized tensors in a .safetensors file: restored alike by the portable code and by the fastest,
/// and finite.

#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "fuzz/target.hpp"

#include <cstdio>
#include <memory>
#include <string>

namespace fuzz {

inline void quantized(bytes input) {
  // a file without a name: the reader maps it through its descriptor
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  require(file != nullptr && std::fwrite(input.data(), 1, input.size(), file.get()) == input.size() &&
          std::fflush(file.get()) == 0);
  const bitgauge::io::safetensors_model model("/dev/fd/" + std::to_string(fileno(file.get())));
  const bitgauge::io::quantized_reader reader(model);
  for (const auto& entry : reader.entries()) {
    if (entry.trellis_bytes) {
      require(reader.read_trellis(entry).dequantize(1).allFinite());
      continue;
    }
    const bitgauge::quantized_matrix q = reader.read(entry);
    const Eigen::MatrixXf fastest = q.dequantize(1);
    const bitgauge::simd::scoped_instruction_set use(bitgauge::simd::instruction_set::portable);
    const Eigen::MatrixXf portable = q.dequantize(1);
    for (Eigen::Index i = 0; i < portable.size(); ++i)
      require(bitgauge::numeric::is_finite(portable.data()[i]));
    require(portable.size() == 0 ||
            std::memcmp(portable.data(), fastest.data(),
                        static_cast<std::size_t>(portable.size()) * sizeof(float)) == 0);
  }
}

}  // namespace fuzz
