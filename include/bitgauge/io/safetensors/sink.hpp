#pragma once

/// \file
/// A .safetensors file as the sink of a model.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/sink_refusal.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace bitgauge::io {

/// Holds plain numbers, and codes with their scales as described in description.hpp; blocks of ggml are
/// refused.
class safetensors_sink final : public tensor_sink {
 public:
  /// Raises io_error where no file can be created there.
  explicit safetensors_sink(const std::filesystem::path& path) : path_(path.string()), writer_(path) {}

  /// Adds texts to the file's `__metadata__`.
  void set_metadata(const std::vector<metadata_entry>& texts) {
    for (const metadata_entry& text : texts) writer_.set_metadata(text.name, text.value);
  }

  void declare_copy(const tensor_info& tensor, const stored_tensor_data& data) override {
    if (std::holds_alternative<stored_blocks>(data)) detail::refuse(path_, tensor.name, tensor.format);
    if (const auto* codes = std::get_if<stored_codes>(&data)) return declare_codes(codes->entry);
    if (const auto* levels = std::get_if<stored_trellis>(&data)) return declare_codes(levels->entry);
    for (const stored_numbers& part : std::get<std::vector<stored_numbers>>(data))
      writer_.declare(part.name, detail::dtype_named(part.type), part.shape);
  }
  void declare_floats(const std::string& name, const std::vector<std::uint64_t>& shape) override {
    writer_.declare(name, dtype::f32, shape);
  }
  void declare_codes(const quantized_entry& entry) override { parts_.declare(writer_, entry); }
  void declare_blocks(const std::string& name, gguf::tensor_type type,
                      const std::vector<std::uint64_t>&) override {
    detail::refuse(path_, name,
                   "blocks of type " + std::string(gguf::traits_of(type).name) + " (write a .gguf)");
  }
  void begin() override { parts_.describe(writer_); }

  void copy(const tensor_info&, const stored_tensor_data& data) override {
    if (const auto* codes = std::get_if<stored_codes>(&data))
      return parts_.write(writer_, codes->entry, codes->read());
    if (const auto* levels = std::get_if<stored_trellis>(&data))
      return parts_.write(writer_, levels->entry, levels->read());
    for (const stored_numbers& part : std::get<std::vector<stored_numbers>>(data))
      writer_.write(part.name, part.bytes);
  }
  void write(const std::string& name, const row_matrix& values) override { writer_.write(name, values); }
  void write(const std::string& name, const quantized_matrix& part) override {
    parts_.write_codes(writer_, name, part);
  }
  void write(const std::string& name, const matrix_parameters& groups,
             const std::vector<float>& levels) override {
    parts_.write_parameters(writer_, name, groups, levels);
  }
  void write(const std::string& name, const stored_transform& t) override {
    parts_.write_transform(writer_, name, t);
  }
  void write(const std::string& name, const trellis_matrix& whole) override {
    parts_.write(writer_, name, whole);
  }
  void write(const std::string& name, const gguf::block_matrix& part) override {
    declare_blocks(name, part.type(), {});
  }
  void commit() override { writer_.commit(); }

 private:
  std::string path_;
  safetensors_writer writer_;
  quantized_writer parts_;
};

}  // namespace bitgauge::io
