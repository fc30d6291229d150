#pragma once

/// \file
/// 2 and 4-bit weights of optimum-quanto in .safetensors files. For a weight NAME, whose row-major elements
/// are read as groups x group size:
///
///     NAME._data._data   U8 [ceil(groups / (8 / bits)), group size]   codes: see packing/quanto.hpp
///     NAME._scale        F32, F16 or BF16 [groups, 1]
///     NAME._shift        the scale's type [groups, 1]: real = scale * code - shift, or
///                        U8 [groups, 1]:               real = scale * (code - shift)
///
/// The shape of the weight and the bits stand in the model's own description (quanto_qconfig.json). Source:
/// optimum-quanto, tensor/qtensor.py (save_to_state_dict), tensor/weights/qbits.py, tensor/packed.py,
/// tensor/grouped.py; axis 0, which linear layers have.

#include <bitgauge/io/layers/float_parameters.hpp>
#include <bitgauge/io/safetensors/stored_parts.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/packing/quanto.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge::io {

/// A weight as a file holds it.
struct quanto_weight {
  int bits = 4;
  dtype type = dtype::f16;            ///< of scales and float shifts: f32, f16 or bf16
  bool has_integer_shifts = false;    ///< shifts are zero points, stored in bytes
  packing::code_matrix codes;         ///< groups x group size, each below 2^bits
  std::vector<float> scales, shifts;  ///< one a group

  /// The values, groups x group size: reshaped row by row they are the weight. Each operation is rounded.
  packing::float_matrix dequantize() const {
    packing::float_matrix values(codes.rows(), codes.cols());
    for (index_t g = 0; g < codes.rows(); ++g)
      for (index_t i = 0; i < codes.cols(); ++i)
        values(g, i) = value(static_cast<float>(codes(g, i)), static_cast<std::size_t>(g));
    return values;
  }
  /// What a code of a group stands for.
  float value(float code, std::size_t group) const {
    const float scale = scales[group], shift = shifts[group];
    return has_integer_shifts ? scale * (code - shift) : numeric::uncontracted(scale * code) - shift;
  }

  friend bool operator==(const quanto_weight&, const quanto_weight&) = default;
};

namespace detail {

/// Checks that the parts of a weight fit together; raises shape_error or data_error.
inline void require_consistent(const std::string& name, const quanto_weight& weight) {
  const auto groups = static_cast<std::size_t>(weight.codes.rows());
  if (weight.scales.size() != groups || weight.shifts.size() != groups)
    raise(shape_error(name + ": expected a scale and a shift for each of " + std::to_string(groups) +
                      " groups, found " + std::to_string(weight.scales.size()) + " and " +
                      std::to_string(weight.shifts.size())));
  for (const float shift : weight.shifts)
    if (weight.has_integer_shifts && !(shift >= 0 && shift <= 255 && shift == std::floor(shift)))
      raise(data_error(name + "._shift: expected a whole number from 0 to 255, found " +
                       std::to_string(shift)));
}

/// The tensors of a weight in the order of their names, in which safetensors' own writer puts those of a
/// type.
inline std::vector<stored_part> parts_of(const std::string& name, const quanto_weight& weight) {
  require_consistent(name, weight);
  const packing::code_matrix packed = packing::pack_quanto(weight.codes, weight.bits);
  const std::uint64_t groups = weight.scales.size();
  stored_part shifts{"._shift", weight.type, {groups, 1}, {}};
  if (weight.has_integer_shifts) {
    shifts.type = dtype::u8;
    for (const float shift : weight.shifts) shifts.bytes.push_back(static_cast<std::uint8_t>(shift));
  } else {
    shifts.bytes = parameter_bytes(name + "._shift", weight.shifts, weight.type);
  }
  return {
      {"._data._data",
       dtype::u8,
       {static_cast<std::uint64_t>(packed.rows()), static_cast<std::uint64_t>(packed.cols())},
       copied_bytes(packed)},
      {"._scale", weight.type, {groups, 1}, parameter_bytes(name + "._scale", weight.scales, weight.type)},
      std::move(shifts)};
}

}  // namespace detail

/// Reads the weight `name`, whose bits (2 or 4) the file does not say. Raises parse_error, with the byte
/// offset and the tensor, where a part is missing or disagrees with the others, a scale is not finite, or the
/// padding of the codes is not zero; invalid_scheme for other bits.
inline quanto_weight read_quanto(const safetensors_file& file, const std::string& name, int bits) {
  packing::detail::require_quanto_bits(bits);
  const detail::layer_parts parts(file, name);
  const tensor_view& code_part = parts.of_rank("._data._data", dtype::u8, 2);
  parts.require_elements(code_part);
  const tensor_view& scale_part = parts.required("._scale");
  if (scale_part.shape.size() != 2 || scale_part.shape[1] != 1)
    parts.fail(scale_part, 0,
               "expected a column of one scale a group, found " + detail::shape_text(scale_part.shape));
  const std::uint64_t groups = scale_part.shape[0], slabs = static_cast<std::uint64_t>(8 / bits);
  parts.require_shape(code_part, {groups / slabs + (groups % slabs != 0 ? 1 : 0), code_part.shape[1]});
  quanto_weight weight;
  weight.bits = bits;
  weight.type = scale_part.type;
  weight.scales = detail::read_parameters(parts, scale_part);
  const tensor_view& shift_part = parts.required("._shift");
  weight.has_integer_shifts = shift_part.type == dtype::u8;
  parts.of_shape("._shift", weight.has_integer_shifts ? dtype::u8 : scale_part.type, {groups, 1});
  if (weight.has_integer_shifts) {
    const auto shifts = detail::layer_parts::elements<std::uint8_t>(shift_part);
    weight.shifts.assign(shifts.begin(), shifts.end());
  } else {
    weight.shifts = detail::read_parameters(parts, shift_part);
  }
  for (std::size_t i = 0; i < weight.scales.size(); ++i) {
    const auto highest = static_cast<float>((1 << bits) - 1);
    detail::require_finite_reach(parts, scale_part, i, weight.value(0, i), weight.value(highest, i));
  }
  const auto packed = to_matrix<packing::code_matrix>(code_part);
  const index_t fault = packing::quanto_padding_fault(packed, bits, static_cast<index_t>(groups));
  if (fault >= 0)
    parts.fail(code_part, static_cast<std::uint64_t>(fault),
               "expected zeros in the padding, found other bits");
  weight.codes = packing::unpack_quanto(packed, bits, static_cast<index_t>(groups));
  return weight;
}

/// Declares the tensors of a weight, in the order in which write_quanto writes them.
inline void declare_quanto(safetensors_writer& writer, const std::string& name, const quanto_weight& weight) {
  detail::declare_parts(writer, name, detail::parts_of(name, weight));
}
/// Writes what declare_quanto declared. Both raise shape_error and data_error for parts that do not fit
/// together or that `type` does not hold.
inline void write_quanto(safetensors_writer& writer, const std::string& name, const quanto_weight& weight) {
  detail::write_parts(writer, name, detail::parts_of(name, weight));
}

}  // namespace bitgauge::io
