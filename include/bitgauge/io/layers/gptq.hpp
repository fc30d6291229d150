#pragma once

/// \file
/// Layers of AutoGPTQ and AutoAWQ in .safetensors files. For a layer NAME:
///
///     AutoGPTQ   NAME.qweight I32 [in * bits / 32, out]   NAME.qzeros I32 [groups, out * bits / 32]
///                NAME.scales F16 [groups, out]            NAME.g_idx I32 [in]
///     AutoAWQ    NAME.qweight I32 [in, out / 8]           NAME.qzeros I32 [groups, out / 8]
///                NAME.scales F16 [groups, out]
///
/// Scales may be BF16 or F32 as well, as newer programs write them for models in these types.
/// packing/autogptq.hpp and packing/awq.hpp draw the bits. What the files do not say stands in the model's
/// quantize_config.json: whether zero points are stored minus one ("checkpoint_format": "gptq" or "gptq_v2").
/// Bits and group size follow from the shapes.

#include <bitgauge/io/layers/float_parameters.hpp>
#include <bitgauge/io/layers/parts.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/packing/autogptq.hpp>
#include <bitgauge/packing/awq.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {
namespace detail {

inline packing::word_matrix words_of(const tensor_view& part) {
  return to_matrix<packing::word_matrix>(part);
}

/// Scales in f16, bf16 or f32, each finite, also as a multiple of what 8-bit codes and zero points are apart.
inline packing::float_matrix scales_of(const layer_parts& parts, const tensor_view& part) {
  const std::vector<float> scales = read_parameters(parts, part);
  for (std::size_t i = 0; i < scales.size(); ++i)
    require_finite_reach(parts, part, i, -256 * scales[i], 256 * scales[i]);
  return Eigen::Map<const packing::float_matrix>(scales.data(), static_cast<index_t>(part.shape[0]),
                                                 static_cast<index_t>(part.shape[1]));
}

/// The bits at which `words` 32-bit words hold `count` codes, or 0.
inline int bits_of_words(std::uint64_t words, std::uint64_t count) {
  for (const std::uint64_t bits : {2u, 3u, 4u, 8u})
    if (count > 0 && count % 32 == 0 ? words == count / 32 * bits : words * 32 == count * bits)
      return static_cast<int>(bits);
  return 0;
}

/// Scales as `type`. Raises data_error for one that it does not hold.
inline std::vector<std::uint8_t> scale_bytes(const std::string& name, const packing::float_matrix& scales,
                                             dtype type) {
  return parameter_bytes(name + ".scales", {scales.data(), static_cast<std::size_t>(scales.size())}, type);
}

/// Calls visit(suffix, type, shape, values) for each tensor of a layer in int32 words, in the order in which
/// they are written; scales are of type `scales`.
template <class Tensors, class Visit>
void for_each_part(const Tensors& tensors, dtype scales, const Visit& visit) {
  using extents = std::vector<std::uint64_t>;
  const auto matrix = [&](const char* suffix, dtype type, const auto& m) {
    visit(suffix, type, extents{static_cast<std::uint64_t>(m.rows()), static_cast<std::uint64_t>(m.cols())},
          m);
  };
  if constexpr (requires { tensors.g_idx; })
    visit(".g_idx", dtype::i32, extents{tensors.g_idx.size()}, tensors.g_idx);
  matrix(".qweight", dtype::i32, tensors.qweight);
  matrix(".qzeros", dtype::i32, tensors.qzeros);
  matrix(".scales", scales, tensors.scales);
}

template <class Tensors>
void declare_words(safetensors_writer& writer, const std::string& name, const Tensors& tensors,
                   dtype scales) {
  for_each_part(tensors, scales, [&](const char* suffix, dtype type, const auto& shape, const auto&) {
    writer.declare(name + suffix, type, shape);
  });
}
/// Scales are rounded before anything is written, since they may not fit.
template <class Tensors>
void write_words(safetensors_writer& writer, const std::string& name, const Tensors& tensors, dtype scales) {
  const std::vector<std::uint8_t> rounded = scale_bytes(name, tensors.scales, scales);
  for_each_part(tensors, scales, [&](const char* suffix, dtype, const auto&, const auto& values) {
    const auto bytes = [](const auto& v) {
      return std::as_bytes(std::span(v.data(), static_cast<std::size_t>(v.size())));
    };
    writer.write(name + suffix, std::string_view(suffix) == ".scales" ? bytes(rounded) : bytes(values));
  });
}

}  // namespace detail

/// Reads the AutoGPTQ layer `name`. Raises parse_error, with the byte offset and the tensor, where a part is
/// missing or disagrees with the others, or a group index is out of range.
inline packing::autogptq_tensors read_autogptq(
    const safetensors_file& file, const std::string& name,
    packing::zero_storage zeros = packing::zero_storage::minus_one) {
  const detail::layer_parts parts(file, name);
  const tensor_view& group_part = parts.of_rank(".g_idx", dtype::i32, 1);
  const tensor_view& weight_part = parts.of_rank(".qweight", dtype::i32, 2);
  parts.require_elements(weight_part);
  const std::uint64_t in = group_part.shape[0], out = weight_part.shape[1];
  packing::autogptq_tensors tensors;
  tensors.zeros = zeros;
  tensors.bits = detail::bits_of_words(weight_part.shape[0], in);
  if (tensors.bits == 0)
    parts.fail(weight_part, 0,
               "expected " + std::to_string(in) + " inputs in words of 2, 3, 4 or 8-bit codes, found " +
                   detail::shape_text(weight_part.shape));
  const auto unit = static_cast<std::uint64_t>(packing::detail::codes_per_unit(tensors.bits));
  if (in % unit != 0 || out % unit != 0)
    parts.fail(weight_part, 0,
               "expected inputs and outputs in multiples of " + std::to_string(unit) + ", found " +
                   std::to_string(in) + " and " + std::to_string(out));
  const tensor_view& scale_part = parts.of_rank(".scales", 2);
  const std::uint64_t groups = scale_part.shape[0];
  parts.require_shape(scale_part, {groups, out});
  const auto bits = static_cast<std::uint64_t>(tensors.bits);
  tensors.qzeros = detail::words_of(
      parts.of_shape(".qzeros", dtype::i32, {groups, out / 32 * bits + out % 32 * bits / 32}));
  tensors.qweight = detail::words_of(weight_part);
  tensors.scales = detail::scales_of(parts, scale_part);
  tensors.g_idx = detail::layer_parts::elements<std::int32_t>(group_part);
  for (std::size_t i = 0; i < tensors.g_idx.size(); ++i)
    if (tensors.g_idx[i] < 0 || static_cast<std::uint64_t>(tensors.g_idx[i]) >= groups)
      parts.fail(
          group_part, 4 * i,
          "expected a group below " + std::to_string(groups) + ", found " + std::to_string(tensors.g_idx[i]));
  return tensors;
}

/// Reads the AutoAWQ layer `name`; faults as read_autogptq.
inline packing::awq_tensors read_awq(const safetensors_file& file, const std::string& name) {
  const detail::layer_parts parts(file, name);
  const tensor_view& weight_part = parts.of_rank(".qweight", dtype::i32, 2);
  const tensor_view& zero_part = parts.of_rank(".qzeros", dtype::i32, 2);
  parts.require_elements(weight_part);
  const std::uint64_t in = weight_part.shape[0], words = weight_part.shape[1], groups = zero_part.shape[0];
  if (groups == 0 || in % groups != 0)
    parts.fail(
        zero_part, 0,
        "expected groups that divide " + std::to_string(in) + " inputs, found " + std::to_string(groups));
  parts.of_shape(".qzeros", dtype::i32, {groups, words});
  const tensor_view& scale_part = parts.of_rank(".scales", 2);
  parts.require_shape(scale_part, {groups, 8 * words});
  return {static_cast<index_t>(in / groups), detail::words_of(weight_part), detail::words_of(zero_part),
          detail::scales_of(parts, scale_part)};
}

/// Declares the tensors of an AutoGPTQ layer, in the order in which write_autogptq writes them;
/// scales as f16, bf16 or f32.
inline void declare_autogptq(safetensors_writer& writer, const std::string& name,
                             const packing::autogptq_tensors& tensors, dtype scales = dtype::f16) {
  detail::declare_words(writer, name, tensors, scales);
}
/// Writes what declare_autogptq declared. Raises data_error for a scale that the type does not hold.
inline void write_autogptq(safetensors_writer& writer, const std::string& name,
                           const packing::autogptq_tensors& tensors, dtype scale_type = dtype::f16) {
  detail::write_words(writer, name, tensors, scale_type);
}

/// Declares the tensors of an AutoAWQ layer, in the order in which write_awq writes them; scales
/// as f16, bf16 or f32.
inline void declare_awq(safetensors_writer& writer, const std::string& name,
                        const packing::awq_tensors& tensors, dtype scales = dtype::f16) {
  detail::declare_words(writer, name, tensors, scales);
}
/// Writes what declare_awq declared. Raises data_error for a scale that the type does not hold.
inline void write_awq(safetensors_writer& writer, const std::string& name,
                      const packing::awq_tensors& tensors, dtype scale_type = dtype::f16) {
  detail::write_words(writer, name, tensors, scale_type);
}

}  // namespace bitgauge::io
