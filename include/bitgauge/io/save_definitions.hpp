#pragma once

/// \file
/// What save.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/io/bytes/byte_sink.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/io/save.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {
namespace detail {

/// How a matrix was probably made, for people who read the file.
inline std::string scheme_text_of(const quantized_matrix& q) {
  const code_encoding& m = q.encoding();
  if (!m.levels_by_row && m.has_levels()) return "levels";
  scheme s = named_scheme(m.levels_by_row ? "lookup" : m.has_zero_points ? "affine" : "symmetric");
  if (m.levels_by_row) s.levels = m.stored_levels;
  s.bits = q.bits();
  s.groups = q.groups().granularity();
  if (!is_nested(q.scales().type())) s.scales = q.scales().storage();
  s.double_block = q.scales().storage().block;
  return to_text(s);
}

inline quantized_entry entry_of(const named_matrix& m) {
  const auto extent = [](index_t n) { return static_cast<std::uint64_t>(n); };
  if (const trellis_matrix* levels = m.levels()) {
    quantized_entry entry{m.name(),
                          {extent(levels->rows()), extent(levels->cols())},
                          std::string(name_of(dtype::f32)),
                          to_text(trellis_scheme{levels->bits_per_weight(), levels->states()}),
                          {}};
    entry.layout.groups = grouping(per_column{}, levels->rows(), levels->cols());
    entry.trellis_bytes = levels->storage_bytes();
    return entry;
  }
  const quantized_matrix& q = *m.codes();
  quantized_entry entry{m.name(),
                        {extent(q.rows()), extent(q.cols())},
                        std::string(name_of(dtype::f32)),
                        scheme_text_of(q),
                        layout_of(q)};
  if (q.is_column_vector()) entry.shape = {extent(q.rows())};
  entry.has_levels = q.encoding().has_levels();
  if (m.transform() != nullptr) {
    const stored_transform& t = *m.transform();
    const auto count = [](const std::vector<float>& factors) { return static_cast<index_t>(factors.size()); };
    const index_t inputs = t.has_input_factors() ? q.cols() : 0,
                  outputs = t.has_output_factors() ? q.rows() : 0;
    if (count(t.input_factors) != inputs || count(t.output_factors) != outputs)
      bitgauge::detail::raise_message<shape_error>(
          {m.name(), ": transform: expected ", inputs, " input factors and ", outputs,
           " output factors, found ", t.input_factors.size(), " and ", t.output_factors.size()});
    entry.transform = t;
  }
  return entry;
}

inline void save_codes(safetensors_writer writer, const std::vector<named_matrix>& matrices) {
  quantized_writer parts;
  for (const named_matrix& m : matrices) parts.declare(writer, entry_of(m));
  parts.describe(writer);
  for (const named_matrix& m : matrices) {
    if (m.levels() != nullptr) {
      parts.write(writer, m.name(), *m.levels());
    } else {
      parts.write(writer, entry_of(m), *m.codes());
    }
  }
  writer.commit();
}

inline void save_blocks(gguf_writer writer, const std::vector<named_matrix>& matrices) {
  writer.set("general.quantization_version", std::uint32_t{2});
  for (const named_matrix& m : matrices)
    writer.declare(
        m.name(), m.blocks()->type(),
        {static_cast<std::uint64_t>(m.blocks()->cols()), static_cast<std::uint64_t>(m.blocks()->rows())});
  for (const named_matrix& m : matrices) writer.write(m.name(), m.blocks()->blocks());
  writer.commit();
}

/// True where all are ggml blocks. Raises invalid_scheme where some are and some are not: no container holds
/// both.
inline bool are_blocks(const std::string& where, const std::vector<named_matrix>& matrices) {
  for (const named_matrix& m : matrices)
    if ((m.blocks() == nullptr) != (matrices.front().blocks() == nullptr))
      raise(invalid_scheme(where + ": " + m.name() +
                           ": one file holds either codes and scales (.safetensors) or ggml blocks (.gguf)"));
  return !matrices.empty() && matrices.front().blocks() != nullptr;
}

inline void save_to(std::unique_ptr<byte_sink> sink, std::string name,
                    const std::vector<named_matrix>& matrices) {
  if (are_blocks(name, matrices)) return save_blocks({std::move(sink), std::move(name)}, matrices);
  save_codes({std::move(sink), std::move(name)}, matrices);
}

}  // namespace detail

BITGAUGE_DEFINE void save(const std::filesystem::path& path, const std::vector<named_matrix>& matrices) {
  const bool blocks = detail::are_blocks(path.string(), matrices);
  if (path.extension() != (blocks ? ".gguf" : ".safetensors"))
    raise(invalid_scheme(path.string() + (blocks ? ": ggml blocks are saved in a .gguf"
                                                 : ": codes and scales are saved in a .safetensors")));
  detail::save_to(std::make_unique<file_sink>(path), path.string(), matrices);
}

BITGAUGE_DEFINE void save(std::ostream& stream, const std::vector<named_matrix>& matrices) {
  detail::save_to(std::make_unique<stream_sink>(stream, "stream"), "stream", matrices);
}

BITGAUGE_DEFINE std::vector<std::byte> saved_bytes(const std::vector<named_matrix>& matrices) {
  std::vector<std::byte> bytes;
  detail::save_to(std::make_unique<memory_sink>(bytes), "memory", matrices);
  return bytes;
}

}  // namespace bitgauge::io
