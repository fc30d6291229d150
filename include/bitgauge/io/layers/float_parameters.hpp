#pragma once

/// \file
/// Scales and zero points of foreign layers: floats of one of the types f32, f16 and bf16.

#include <bitgauge/error.hpp>
#include <bitgauge/io/layers/parts.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/half.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io::detail {

/// The elements of `part`, which is f32, f16 or bf16, each finite; any other type is a fault.
inline std::vector<float> read_parameters(const layer_parts& parts, const tensor_view& part) {
  if (part.type != dtype::f32 && part.type != dtype::f16 && part.type != dtype::bf16)
    parts.fail(part, 0, "expected F32, F16 or BF16, found " + std::string(name_of(part.type)));
  std::vector<float> values(part.element_count());
  convert_to(part.type, part.data.data(), values.size(), values.data());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!numeric::is_finite(values[i]))
      parts.fail(part, i * size_of(part.type), "expected a finite value, found another");
  return values;
}

/// Faults at parameter `i` of `part` unless what the extreme codes restore with it is finite: what lies
/// between is no larger.
inline void require_finite_reach(const layer_parts& parts, const tensor_view& part, std::size_t i,
                                 float lowest, float highest) {
  if (numeric::is_finite(lowest) && numeric::is_finite(highest)) return;
  parts.fail(part, i * size_of(part.type),
             "expected a value with which every code restores a finite number, found one too large");
}

/// The bytes of `values` as f32, f16 or bf16. Raises data_error for a value that the type does not hold,
/// which reading could not give back.
inline std::vector<std::uint8_t> parameter_bytes(const std::string& name, std::span<const float> values,
                                                 dtype type) {
  std::vector<std::uint8_t> bytes(values.size() * size_of(type));
  const auto inexact = [&](float value, std::string_view wanted) {
    raise(data_error(name + ": " + std::to_string(value) + " is no " + std::string(wanted) +
                     ": quantize with " + std::string(wanted) + " scales"));
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (type == dtype::f32) {
      std::memcpy(bytes.data() + 4 * i, &values[i], 4);
      continue;
    }
    const bool half = type == dtype::f16;
    const std::uint16_t pattern =
        half ? numeric::half_from_float(values[i]) : numeric::bfloat16_from_float(values[i]);
    if ((half ? numeric::half_to_float(pattern) : numeric::bfloat16_to_float(pattern)) != values[i])
      inexact(values[i], half ? "f16" : "bf16");
    std::memcpy(bytes.data() + 2 * i, &pattern, 2);
  }
  return bytes;
}

}  // namespace bitgauge::io::detail
