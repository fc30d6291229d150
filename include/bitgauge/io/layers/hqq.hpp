#pragma once

/// \file
/// Weights of HQQ in .safetensors files. A layer NAME, W out x in, is read row by row as groups x group size
/// (axis 1) or as group size x groups (axis 0):
///
///     NAME.W_q      U8, with 3 bits I32     codes: see packing/hqq.hpp
///     NAME.scale    F32, F16 or BF16 [groups, 1], axis 0: [1, groups]
///     NAME.zero     the scale's type and shape: real = (code - zero) * scale, the zero point any number
///     NAME.shape    I64 [2]                 out, in
///     NAME.nbits, .group_size, .axis        U8 []: one number
///     NAME.channel_wise, .optimize, .round_zero, .offload_meta, .quant_scale, .quant_zero, .view_as_float,
///     .encoded_state_dict, .stores_quant_config   U8 []: 0 or 1
///     NAME.packing, .unpack_view_dtype, .compute_dtype   U8 [length]: a text, such as 4bit_u8 and
///                                           torch.float16
///
/// Source: HQQ, core/quantize.py (HQQLinear.state_dict) and core/utils.py (encode_safetensor_type). It does
/// not write scales that are quantized themselves; a bias, if any, is the tensor NAME.bias.

#include <bitgauge/hqq/tensor.hpp>
#include <bitgauge/io/layers/float_parameters.hpp>
#include <bitgauge/io/safetensors/stored_parts.hpp>
#include <bitgauge/packing/hqq.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {

/// A weight as a file holds it.
struct hqq_weight : hqq_tensor {
  dtype type = dtype::f16;  ///< of scales and zero points: f32, f16 or bf16
  std::string compute_dtype = "torch.float16";
  bool channel_wise = true, optimize = true, round_zero = false, offload_meta = false;

  friend bool operator==(const hqq_weight&, const hqq_weight&) = default;
};

namespace detail {

/// The packing's name in the file; 5 and 6 bits take whole bytes. Empty for bits that HQQ does not have.
constexpr std::string_view hqq_packing_name(int bits) noexcept {
  switch (bits) {
    case 1:
      return "1bit_u8";
    case 2:
      return "2bit_u8";
    case 3:
      return "3bit_32";
    case 4:
      return "4bit_u8";
    case 5:
    case 6:
    case 8:
      return "8bit_u8";
    default:
      return {};
  }
}

/// Bits that a code takes in its word.
constexpr int hqq_stored_bits(int bits) noexcept {
  return bits == 5 || bits == 6 ? 8 : bits;
}

/// Checks that the parts of a weight fit together; raises invalid_scheme, shape_error or data_error.
inline void require_consistent(const std::string& name, const hqq_weight& weight) {
  if (hqq_packing_name(weight.bits).empty())
    raise(invalid_scheme(name + ": HQQ bits: expected 1 to 6 or 8, found " + std::to_string(weight.bits)));
  if (weight.group_size < 1 || weight.group_size > 255)
    raise(invalid_scheme(name + ": HQQ stores a group size of 1 to 255, found " +
                         std::to_string(weight.group_size)));
  if (weight.axis != 0 && weight.axis != 1)
    raise(invalid_scheme(name + ": axis: expected 0 or 1, found " + std::to_string(weight.axis)));
  const index_t groups = weight.rows * weight.cols / weight.group_size;
  const bool along = weight.axis == 1;
  packing::detail::require_shape("HQQ codes", weight.codes.rows(), weight.codes.cols(),
                                 along ? groups : weight.group_size, along ? weight.group_size : groups);
  if (weight.codes.size() != weight.rows * weight.cols ||
      static_cast<index_t>(weight.scales.size()) != groups ||
      static_cast<index_t>(weight.zeros.size()) != groups)
    raise(
        shape_error(name + ": expected groups that fill the weight, and a scale and a zero point for each"));
  packing::detail::require_codes("code", weight.codes, weight.bits);
}

/// The tensors of a weight in the order in which safetensors' own writer puts them: wide types first, then by
/// name.
inline std::vector<stored_part> parts_of(const std::string& name, const hqq_weight& weight) {
  require_consistent(name, weight);
  const auto extents = [](const auto& m) {
    return std::vector<std::uint64_t>{static_cast<std::uint64_t>(m.rows()),
                                      static_cast<std::uint64_t>(m.cols())};
  };
  const std::vector<std::int64_t> shape{weight.rows, weight.cols};
  const std::uint64_t groups = weight.scales.size();
  const std::vector<std::uint64_t> line =
      weight.axis == 1 ? std::vector<std::uint64_t>{groups, 1} : std::vector<std::uint64_t>{1, groups};
  stored_part scales{".scale", weight.type, line,
                     parameter_bytes(name + ".scale", weight.scales, weight.type)};
  stored_part zeros{".zero", weight.type, line, parameter_bytes(name + ".zero", weight.zeros, weight.type)};
  std::vector<stored_part> parts{{".shape", dtype::i64, {2}, copied_bytes(shape)}};
  stored_part codes{".W_q", dtype::u8, {}, {}};
  if (weight.bits == 3) {
    const packing::word_matrix packed = packing::pack_hqq_3bit(weight.codes);
    codes = {".W_q", dtype::i32, extents(packed), copied_bytes(packed)};
  } else {
    const packing::code_matrix packed = packing::pack_hqq(weight.codes, hqq_stored_bits(weight.bits));
    codes = {".W_q", dtype::u8, extents(packed), copied_bytes(packed)};
  }
  if (weight.type == dtype::f32) parts.insert(parts.end(), {scales, zeros});
  if (weight.bits == 3) parts.push_back(codes);
  if (weight.type != dtype::f32) parts.insert(parts.end(), {scales, zeros});
  if (weight.bits != 3) parts.push_back(codes);
  const auto add = [&](const char* suffix, int value) { parts.push_back(byte_part(suffix, value)); };
  add(".axis", weight.axis);
  add(".channel_wise", weight.channel_wise);
  parts.push_back(text_part(".compute_dtype", weight.compute_dtype));
  add(".encoded_state_dict", 1);
  add(".group_size", static_cast<int>(weight.group_size));
  add(".nbits", weight.bits);
  add(".offload_meta", weight.offload_meta);
  add(".optimize", weight.optimize);
  parts.push_back(text_part(".packing", hqq_packing_name(weight.bits)));
  add(".quant_scale", 0);
  add(".quant_zero", 0);
  add(".round_zero", weight.round_zero);
  add(".stores_quant_config", 1);
  parts.push_back(text_part(".unpack_view_dtype", weight.bits == 3 ? "torch.int32" : "torch.uint8"));
  add(".view_as_float", 0);
  return parts;
}

/// Reads the parts of one layer.
class hqq_reader {
 public:
  hqq_reader(const safetensors_file& file, const std::string& name) : parts_(file, name) {}

  hqq_weight read() const {
    hqq_weight weight;
    weight.bits = number(".nbits", 1, 8);
    if (hqq_packing_name(weight.bits).empty()) fail(".nbits", "expected 1 to 6 or 8, found 7");
    expect_text(".packing", hqq_packing_name(weight.bits));
    weight.group_size = number(".group_size", 1, 255);
    weight.axis = number(".axis", 0, 1);
    for (const char* unwritten : {".quant_scale", ".quant_zero", ".view_as_float"}) number(unwritten, 0, 0);
    weight.channel_wise = number(".channel_wise", 0, 1) != 0;
    weight.optimize = number(".optimize", 0, 1) != 0;
    weight.round_zero = number(".round_zero", 0, 1) != 0;
    weight.offload_meta = number(".offload_meta", 0, 1) != 0;
    number(".encoded_state_dict", 1, 1);
    number(".stores_quant_config", 1, 1);
    expect_text(".unpack_view_dtype", weight.bits == 3 ? "torch.int32" : "torch.uint8");
    weight.compute_dtype = text(".compute_dtype");
    const std::uint64_t elements = read_shape(weight);
    const std::uint64_t size = static_cast<std::uint64_t>(weight.group_size), groups = elements / size;
    if (elements % size != 0)
      fail(".group_size",
           "expected a divisor of " + std::to_string(elements) + " elements, found " + std::to_string(size));
    const bool along = weight.axis == 1;
    read_codes(weight, along ? groups : size, along ? size : groups);
    read_parameters_of(weight,
                       along ? std::vector<std::uint64_t>{groups, 1} : std::vector<std::uint64_t>{1, groups});
    return weight;
  }

 private:
  [[noreturn]] void fail(const char* suffix, const std::string& problem) const {
    parts_.fail(parts_.required(suffix), 0, problem);
  }

  int number(const char* suffix, int low, int high) const {
    const int value = static_cast<int>(parts_.of_shape(suffix, dtype::u8, {}).data[0]);
    if (value < low || value > high)
      fail(suffix, "expected " + std::to_string(low) +
                       (low == high ? std::string() : " to " + std::to_string(high)) + ", found " +
                       std::to_string(value));
    return value;
  }

  std::string text(const char* suffix) const {
    const tensor_view& part = parts_.of_rank(suffix, dtype::u8, 1);
    return {reinterpret_cast<const char*>(part.data.data()), part.data.size()};
  }
  void expect_text(const char* suffix, std::string_view expected) const {
    if (text(suffix) != expected) fail(suffix, "expected " + std::string(expected) + ", found another text");
  }

  /// Sets rows and cols; returns their product.
  std::uint64_t read_shape(hqq_weight& weight) const {
    const tensor_view& part = parts_.of_shape(".shape", dtype::i64, {2});
    const auto extents = layer_parts::elements<std::int64_t>(part);
    for (std::size_t i = 0; i < 2; ++i)
      if (extents[i] < 1 || extents[i] > 0x7fffffff)
        parts_.fail(part, 8 * i,
                    "expected an extent from 1 to 2147483647, found " + std::to_string(extents[i]));
    weight.rows = static_cast<index_t>(extents[0]);
    weight.cols = static_cast<index_t>(extents[1]);
    return static_cast<std::uint64_t>(extents[0]) * static_cast<std::uint64_t>(extents[1]);
  }

  void read_codes(hqq_weight& weight, std::uint64_t lines, std::uint64_t width) const {
    if (weight.bits == 3) {
      const tensor_view& part = parts_.of_shape(".W_q", dtype::i32, {(lines + 9) / 10, width});
      const auto packed = to_matrix<packing::word_matrix>(part);
      const index_t fault = packing::hqq_3bit_padding_fault(packed, static_cast<index_t>(lines));
      if (fault >= 0)
        parts_.fail(part, 4 * static_cast<std::uint64_t>(fault),
                    "expected zeros in the padding, found other bits");
      weight.codes = packing::unpack_hqq_3bit(packed, static_cast<index_t>(lines));
      return;
    }
    const int stored = hqq_stored_bits(weight.bits);
    const auto slabs = static_cast<std::uint64_t>(8 / stored);
    if (lines % slabs != 0)
      fail(".shape", "expected a multiple of " + std::to_string(slabs) + " lines of codes, found " +
                         std::to_string(lines));
    const tensor_view& part = parts_.of_shape(".W_q", dtype::u8, {lines / slabs, width});
    weight.codes = packing::unpack_hqq(to_matrix<packing::code_matrix>(part), stored);
    for (index_t i = 0; stored != weight.bits && i < weight.codes.size(); ++i)
      if (weight.codes.data()[i] >> weight.bits != 0)
        parts_.fail(part, static_cast<std::uint64_t>(i),
                    "expected a code below " + std::to_string(1 << weight.bits) + ", found " +
                        std::to_string(weight.codes.data()[i]));
  }

  void read_parameters_of(hqq_weight& weight, const std::vector<std::uint64_t>& line) const {
    const tensor_view& scales = parts_.required(".scale");
    parts_.require_shape(scales, line);
    weight.type = scales.type;
    weight.scales = read_parameters(parts_, scales);
    weight.zeros = read_parameters(parts_, parts_.of_shape(".zero", scales.type, line));
    const auto highest = static_cast<float>((1 << weight.bits) - 1);
    for (std::size_t i = 0; i < weight.scales.size(); ++i)
      require_finite_reach(parts_, scales, i, (0 - weight.zeros[i]) * weight.scales[i],
                           (highest - weight.zeros[i]) * weight.scales[i]);
  }

  layer_parts parts_;
};

}  // namespace detail

/// Reads the layer `name`. Raises parse_error, with the byte offset and the tensor, where a part is missing,
/// disagrees with the others, or says what HQQ does not write.
inline hqq_weight read_hqq(const safetensors_file& file, const std::string& name) {
  return detail::hqq_reader(file, name).read();
}

/// Declares the tensors of a layer, in the order in which write_hqq writes them.
inline void declare_hqq(safetensors_writer& writer, const std::string& name, const hqq_weight& weight) {
  detail::declare_parts(writer, name, detail::parts_of(name, weight));
}
/// Writes what declare_hqq declared. Both raise invalid_scheme, shape_error and data_error for parts that do
/// not fit together or that `type` does not hold.
inline void write_hqq(safetensors_writer& writer, const std::string& name, const hqq_weight& weight) {
  detail::write_parts(writer, name, detail::parts_of(name, weight));
}

}  // namespace bitgauge::io
