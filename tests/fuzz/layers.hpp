#pragma once

/// \file
/// Layers of other systems in .safetensors files, each called "q": read, restored, and found finite.

#include <bitgauge/io/layers/bitsandbytes.hpp>
#include <bitgauge/io/layers/gptq.hpp>
#include <bitgauge/io/layers/hqq.hpp>
#include <bitgauge/io/layers/quanto.hpp>

#include "fuzz/target.hpp"

namespace fuzz {

template <class Matrix>
void require_finite(const Matrix& values) {
  for (Eigen::Index i = 0; i < values.size(); ++i) require(bitgauge::numeric::is_finite(values.data()[i]));
}

inline void bitsandbytes(bytes input) {
  const bitgauge::io::safetensors_file file(input, "input");
  require_finite(bitgauge::io::read_bitsandbytes(file, "q").dequantize());
}

inline void gptq(bytes input) {
  const bitgauge::io::safetensors_file file(input, "input");
  for (const auto zeros :
       {bitgauge::packing::zero_storage::minus_one, bitgauge::packing::zero_storage::plain})
    require_finite(
        bitgauge::packing::unpack_autogptq(bitgauge::io::read_autogptq(file, "q", zeros)).dequantize());
}

inline void awq(bytes input) {
  const bitgauge::io::safetensors_file file(input, "input");
  require_finite(bitgauge::packing::unpack_awq(bitgauge::io::read_awq(file, "q")).dequantize());
}

inline void hqq(bytes input) {
  const bitgauge::io::safetensors_file file(input, "input");
  require_finite(bitgauge::io::read_hqq(file, "q").dequantize());
}

/// The bits of quanto's codes do not stand in the file.
inline void quanto(bytes input) {
  const bitgauge::io::safetensors_file file(input, "input");
  bool accepted = false;
  for (const int bits : {2, 4})
    accepted |= accepts(
        [&](bytes) { require_finite(bitgauge::io::read_quanto(file, "q", bits).dequantize()); }, input);
  if (!accepted) bitgauge::raise(bitgauge::data_error("not with 2 nor 4 bits"));
}

}  // namespace fuzz
