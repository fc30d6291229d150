#pragma once

/// \file
/// What decides the bytes that quantize_model() makes.

#include <bitgauge/base/fingerprint.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/transform/stored/transform_scheme.hpp>
#include <bitgauge/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge {

/// Each part of what decides the bytes, by a word for messages, as text.
using run_identity = std::vector<std::pair<std::string, std::string>>;

namespace detail {

inline void add_vector(fingerprint& sum, const std::vector<float>& values) {
  sum.add(std::as_bytes(std::span(values)));
}
inline void add_stored(fingerprint& sum, const stored_tensor_data& data) {
  if (const auto* numbers = std::get_if<std::vector<stored_numbers>>(&data)) {
    for (const stored_numbers& part : *numbers) sum.add(part.type).add(part.bytes);
  } else if (const auto* blocks = std::get_if<stored_blocks>(&data)) {
    sum.add(blocks->type).add(blocks->bytes);
  } else if (const auto* levels = std::get_if<stored_trellis>(&data)) {
    const std::vector<std::uint8_t> bytes = levels->read().bytes();
    sum.add(levels->entry.scheme).add(std::as_bytes(std::span(bytes)));
  } else {
    const auto& codes = std::get<stored_codes>(data);
    const quantized_matrix q = codes.read();
    sum.add(codes.entry.scheme).add(std::as_bytes(std::span(q.codes())));
    sum.add(std::as_bytes(std::span(q.scales().bytes()))).add(std::as_bytes(std::span(q.zero_points())));
    add_vector(sum, q.encoding().levels);
    if (!codes.entry.transform) return;
    sum.add(to_text(codes.entry.transform->scheme));
    add_vector(sum, codes.entry.transform->input_factors);
    add_vector(sum, codes.entry.transform->output_factors);
  }
}
inline std::string fingerprint_of(const tensor_source& source) {
  fingerprint sum;
  for (std::size_t i = 0; i < source.tensor_count(); ++i) {
    const tensor_info& tensor = source.info(i);
    sum.add(tensor.name).add(tensor.format);
    for (const auto extent : tensor.shape) sum.add(extent);
    add_stored(sum, source.stored(i));
    source.forget(i);
  }
  return sum.text();
}
inline std::string fingerprint_of(const quantization_plan& p) {
  fingerprint sum;
  for (const planned_tensor& row : p.tensors) {
    sum.add(row.name).add(row.from).add(to_text(row.to)).add(row.how_rows).add(row.weights.matrices);
    for (const auto extent : row.shape) sum.add(extent);
    add_vector(sum, row.weights.weights);
    if (!row.entry) continue;
    sum.add(row.entry->scheme).add(row.entry->original);
    if (row.entry->transform) sum.add(to_text(row.entry->transform->scheme));
    if (!row.entry->activations) continue;
    const stored_activations& inputs = *row.entry->activations;
    sum.add(to_text(inputs.scheme)).add(inputs.frozen.scale).add(inputs.frozen.zero_point);
  }
  return sum.text();
}
inline std::string fingerprint_of(const calibration_source* calibration, const quantization_plan& p) {
  if (calibration == nullptr) return "none";
  fingerprint sum;
  sum.add(calibration->fingerprint());
  for (const planned_tensor& row : p.tensors)
    if (const std::optional<row_matrix> samples = calibration->samples(row.name))
      sum.add(std::as_bytes(std::span(samples->data(), static_cast<std::size_t>(samples->size()))));
  return sum.text();
}

}  // namespace detail

/// Equal where quantize_model() makes equal bytes of tensors, but for chance: the version of the library and the
/// instruction set in use, all bytes of the source, the plan, the calibration, and what is done about NaN. Cost: reads
/// the source once.
inline run_identity identity_of(const tensor_source& source, const quantization_plan& p,
                                const model_options& o) {
  return {{"version", std::to_string(BITGAUGE_VERSION_MAJOR) + "." + std::to_string(BITGAUGE_VERSION_MINOR) +
                          "." + std::to_string(BITGAUGE_VERSION_PATCH)},
          {"instruction set", simd::name_of(simd::selected())},
          {"source", detail::fingerprint_of(source)},
          {"scheme and rules", detail::fingerprint_of(p)},
          {"calibration", detail::fingerprint_of(o.calibration, p)},
          {"treatment of NaN", std::to_string(static_cast<int>(o.on_nonfinite))}};
}

}  // namespace bitgauge
