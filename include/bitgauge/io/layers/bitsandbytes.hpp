#pragma once

/// \file
/// 4-bit weights of bitsandbytes in .safetensors files, as `save_pretrained` writes them. For a weight NAME:
///
///     NAME                   U8 [ceil(n / 2), 1]   codes, the first in the high nibble of its byte
///     NAME.absmax            F32 [blocks], or U8 [blocks] where scales are nested
///     NAME.quant_map         F32 [16]              the codebook
///     NAME.nested_absmax     F32 [nested blocks]   only where nested
///     NAME.nested_quant_map  F32 [256]             only where nested
///     NAME.quant_state.bitsandbytes__nf4 (or __fp4)   U8: the text
///         {"quant_type": "nf4", "blocksize": 64, "dtype": "float16", "shape": [64, 128],
///          "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.0123}
///
/// Floats may be F16 or BF16 as well, as programs that cast a whole model leave them.
/// Source: bitsandbytes, functional.py, QuantState.as_dict.

#include <bitgauge/bitsandbytes/tensor_4bit.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/io/layers/float_parameters.hpp>
#include <bitgauge/io/layers/parts.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {

/// A weight as a file holds it.
struct bitsandbytes_weight {
  bitsandbytes::tensor_4bit tensor;
  std::string dtype = "float32";  ///< element type of the original, as torch names it
  std::vector<float> quant_map;
  std::vector<float> nested_quant_map;  ///< empty where scales are not nested

  bitsandbytes_weight() = default;
  /// A weight of ours, with bitsandbytes' own codebooks.
  explicit bitsandbytes_weight(bitsandbytes::tensor_4bit quantized, std::string original_dtype = "float32")
      : tensor(std::move(quantized)), dtype(std::move(original_dtype)) {
    const auto& levels = tensor.type == bitsandbytes::quant_type::nf4 ? nf4_levels : fp4_levels;
    quant_map.assign(levels.begin(), levels.end());
    if (tensor.nested) nested_quant_map.assign(dynamic_signed_levels.begin(), dynamic_signed_levels.end());
  }

  /// The values, by the file's own codebooks.
  Eigen::MatrixXf dequantize() const {
    const codebook_grid codebook(quant_map);
    return tensor.nested ? bitsandbytes::dequantize(tensor, codebook, codebook_grid(nested_quant_map))
                         : bitsandbytes::dequantize(tensor, codebook);
  }
};

namespace detail {

inline constexpr std::string_view quant_state_suffix = ".quant_state.bitsandbytes__";

constexpr std::string_view text_of(bitsandbytes::quant_type type) noexcept {
  return type == bitsandbytes::quant_type::nf4 ? "nf4" : "fp4";
}

/// A number as Python writes it: the shortest text, with a decimal point or an exponent below 1e-4 and from
/// 1e16 up.
inline std::string python_float(double value) {
  const double magnitude = std::fabs(value);
  const bool fixed = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  char text[64];
  const auto [end, failure] = std::to_chars(text, text + sizeof text, value,
                                            fixed ? std::chars_format::fixed : std::chars_format::scientific);
  std::string shown(text, failure == std::errc{} ? end : text);
  if (fixed && shown.find('.') == std::string::npos) shown += ".0";
  return shown;
}

inline std::string quant_state_text(const bitsandbytes_weight& weight) {
  const auto& tensor = weight.tensor;
  std::string text = R"({"quant_type": ")" + std::string(text_of(tensor.type)) + R"(", "blocksize": )" +
                     std::to_string(tensor.block_size) + R"(, "dtype": ")" + weight.dtype +
                     R"(", "shape": [)" + std::to_string(tensor.rows) + ", " + std::to_string(tensor.cols) +
                     "]";
  if (tensor.nested)
    text += R"(, "nested_blocksize": )" + std::to_string(tensor.nested->codes.block_size) +
            R"(, "nested_dtype": "float32", "nested_offset": )" +
            python_float(static_cast<double>(tensor.nested->offset));
  return text + "}";
}

/// Reads the text of a quant_state tensor; every fault names the member.
class quant_state_reader {
 public:
  quant_state_reader(const layer_parts& parts, const tensor_view& part)
      : parts_(parts),
        part_(part),
        json_(parse_json({reinterpret_cast<const char*>(part.data.data()), part.data.size()})) {
    if (!json_.is_object()) parts_.fail(part_, 0, "expected a JSON object");
  }

  bool has(const char* member) const { return json_.contains(member); }
  std::string text(const char* member) const {
    if (!has(member) || !json_[member].is_string()) fail(member, "a text");
    return json_[member].get<std::string>();
  }
  index_t positive(const char* member) const {
    return positive(has(member) ? json_[member] : nlohmann::ordered_json(), member);
  }
  std::vector<index_t> shape() const {
    if (!has("shape") || !json_["shape"].is_array() || json_["shape"].size() > 2 || json_["shape"].empty())
      fail("shape", "one or two extents");
    std::vector<index_t> extents;
    for (const auto& extent : json_["shape"]) extents.push_back(positive(extent, "shape"));
    return extents;
  }
  float finite(const char* member) const {
    if (!has(member) || !json_[member].is_number()) fail(member, "a number");
    const auto value = json_[member].get<float>();
    if (!numeric::is_finite(value)) fail(member, "a finite number");
    return value;
  }
  [[noreturn]] void fail(const char* member, const std::string& expected) const {
    const std::string found = has(member) ? shown(json_[member]) : "none";
    parts_.fail(part_, 0, std::string(member) + ": expected " + expected + ", found " + found);
  }

 private:
  /// Extents below 2^31, so that no product of two overflows.
  index_t positive(const nlohmann::ordered_json& value, const char* member) const {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 ||
        value.get<std::uint64_t>() > 0x7fffffff)
      fail(member, "a whole number from 1 to 2147483647");
    return static_cast<index_t>(value.get<std::uint64_t>());
  }

  const layer_parts& parts_;
  const tensor_view& part_;
  nlohmann::ordered_json json_;
};

}  // namespace detail

/// True where `name` is a 4-bit weight of bitsandbytes in this file.
inline bool is_bitsandbytes(const safetensors_file& file, const std::string& name) {
  const std::string prefix = name + std::string(detail::quant_state_suffix);
  return file.find(prefix + "nf4") != nullptr || file.find(prefix + "fp4") != nullptr;
}

/// Reads the weight `name`; a vector becomes one row. Raises parse_error, with the byte offset and the tensor
/// or member, where a part is missing or disagrees with the others.
inline bitsandbytes_weight read_bitsandbytes(const safetensors_file& file, const std::string& name) {
  const detail::layer_parts parts(file, name);
  const auto type = parts.find(std::string(detail::quant_state_suffix) + "fp4") != nullptr
                        ? bitsandbytes::quant_type::fp4
                        : bitsandbytes::quant_type::nf4;
  const tensor_view& state_part = parts.of_rank(
      std::string(detail::quant_state_suffix) + std::string(detail::text_of(type)), dtype::u8, 1);
  const detail::quant_state_reader state(parts, state_part);
  if (state.text("quant_type") != detail::text_of(type))
    state.fail("quant_type", std::string(detail::text_of(type)));

  bitsandbytes_weight weight;
  bitsandbytes::tensor_4bit& tensor = weight.tensor;
  tensor.type = type;
  weight.dtype = state.text("dtype");
  const std::vector<index_t> shape = state.shape();
  tensor.rows = shape.size() == 2 ? shape[0] : 1;
  tensor.cols = shape.back();
  tensor.block_size = state.positive("blocksize");
  const auto bytes = static_cast<std::uint64_t>((tensor.size() + 1) / 2);
  const index_t blocks = bitsandbytes::detail::block_count(tensor.size(), tensor.block_size);
  const auto block_extent = static_cast<std::uint64_t>(blocks);
  tensor.packed = detail::layer_parts::elements<std::uint8_t>(parts.of_shape("", dtype::u8, {bytes, 1}));
  weight.quant_map = detail::read_parameters(parts, parts.of_shape(".quant_map", {16}));
  const auto largest_of = [](const std::vector<float>& levels) {
    float largest = 0;
    for (const float level : levels) largest = std::max(largest, std::fabs(level));
    return largest;
  };
  const float reach = largest_of(weight.quant_map);
  if (!state.has("nested_blocksize")) {
    const tensor_view& absmax = parts.of_shape(".absmax", {block_extent});
    tensor.absmax = detail::read_parameters(parts, absmax);
    for (std::size_t i = 0; i < tensor.absmax.size(); ++i)
      detail::require_finite_reach(parts, absmax, i, -reach * tensor.absmax[i], reach * tensor.absmax[i]);
    return weight;
  }
  bitsandbytes::nested_absmax nested;
  nested.offset = state.finite("nested_offset");
  if (state.text("nested_dtype") != "float32") state.fail("nested_dtype", "float32");
  nested.codes.block_size = state.positive("nested_blocksize");
  nested.codes.codes =
      detail::layer_parts::elements<std::uint8_t>(parts.of_shape(".absmax", dtype::u8, {block_extent}));
  const index_t nested_blocks = bitsandbytes::detail::block_count(blocks, nested.codes.block_size);
  const tensor_view& factors = parts.of_shape(".nested_absmax", {static_cast<std::uint64_t>(nested_blocks)});
  nested.codes.absmax = detail::read_parameters(parts, factors);
  weight.nested_quant_map = detail::read_parameters(parts, parts.of_shape(".nested_quant_map", {256}));
  const float nested_reach = largest_of(weight.nested_quant_map), offset = std::fabs(nested.offset);
  for (std::size_t i = 0; i < nested.codes.absmax.size(); ++i) {
    const float absmax = numeric::uncontracted(nested_reach * std::fabs(nested.codes.absmax[i])) + offset;
    detail::require_finite_reach(parts, factors, i, -reach * absmax, reach * absmax);
  }
  tensor.nested = std::move(nested);
  return weight;
}

/// Declares the tensors of a weight, in the order in which write_bitsandbytes writes them.
inline void declare_bitsandbytes(safetensors_writer& writer, const std::string& name,
                                 const bitsandbytes_weight& weight) {
  const auto extent = [](const auto& values) { return static_cast<std::uint64_t>(values.size()); };
  const auto& tensor = weight.tensor;
  writer.declare(name, dtype::u8, {extent(tensor.packed), 1});
  if (tensor.nested) {
    writer.declare(name + ".absmax", dtype::u8, {extent(tensor.nested->codes.codes)});
    writer.declare(name + ".nested_absmax", dtype::f32, {extent(tensor.nested->codes.absmax)});
    writer.declare(name + ".nested_quant_map", dtype::f32, {extent(weight.nested_quant_map)});
  } else {
    writer.declare(name + ".absmax", dtype::f32, {extent(tensor.absmax)});
  }
  writer.declare(name + ".quant_map", dtype::f32, {extent(weight.quant_map)});
  writer.declare(name + std::string(detail::quant_state_suffix) + std::string(detail::text_of(tensor.type)),
                 dtype::u8, {extent(detail::quant_state_text(weight))});
}

/// Writes the tensors that declare_bitsandbytes declared.
inline void write_bitsandbytes(safetensors_writer& writer, const std::string& name,
                               const bitsandbytes_weight& weight) {
  const auto put = [&](const std::string& suffix, const auto& values) {
    writer.write(name + suffix, std::as_bytes(std::span(values)));
  };
  const auto& tensor = weight.tensor;
  put("", tensor.packed);
  if (tensor.nested) {
    put(".absmax", tensor.nested->codes.codes);
    put(".nested_absmax", tensor.nested->codes.absmax);
    put(".nested_quant_map", weight.nested_quant_map);
  } else {
    put(".absmax", tensor.absmax);
  }
  put(".quant_map", weight.quant_map);
  put(std::string(detail::quant_state_suffix) + std::string(detail::text_of(tensor.type)),
      detail::quant_state_text(weight));
}

}  // namespace bitgauge::io
