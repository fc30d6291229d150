#pragma once

/// \file
/// A .gguf file as the sink of a model.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/bytes/sink_refusal.hpp>
#include <bitgauge/io/gguf/file_type.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/io/gguf/value.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace bitgauge::io {

/// Holds ggml's blocks and the plain numbers that ggml has; codes with scales are refused. Sets
/// general.quantization_version where a tensor is quantized, and general.file_type to the type of most
/// elements where what the source said does not hold any more.
class gguf_sink final : public tensor_sink {
 public:
  /// Raises io_error where no file can be created there.
  explicit gguf_sink(const std::filesystem::path& path) : path_(path.string()), writer_(path) {}

  /// Adds entries to the file's metadata.
  void set_metadata(const std::vector<gguf_entry>& entries) {
    for (const gguf_entry& entry : entries) {
      writer_.set(entry.name, entry.value);
      has_file_type_ = has_file_type_ || entry.name == gguf_file_type_key;
    }
  }

  void set_main_type(gguf::tensor_type type) override { main_type_ = type; }
  void declare_copy(const tensor_info& tensor, const stored_tensor_data& data) override {
    if (const auto* blocks = std::get_if<stored_blocks>(&data)) {
      copied_[blocks->type] += elements(tensor.shape);
      return declare(tensor.name, blocks->type, tensor.shape);
    }
    const auto* numbers = std::get_if<std::vector<stored_numbers>>(&data);
    if (numbers == nullptr || numbers->size() != 1) detail::refuse(path_, tensor.name, tensor.format);
    for (const gguf::tensor_type_traits& traits : gguf::tensor_types)
      if (const auto type = plain_dtype(traits.type); type && name_of(*type) == numbers->front().type)
        return declare(tensor.name, traits.type, tensor.shape);
    detail::refuse(path_, tensor.name, tensor.format);
  }
  void declare_floats(const std::string& name, const std::vector<std::uint64_t>& shape) override {
    restored_ = true;
    declare(name, gguf::tensor_type::f32, shape);
  }
  void declare_codes(const quantized_entry& entry) override {
    detail::refuse(path_, entry.name,
                   "scheme " + entry.scheme + " (write a .safetensors, or choose a ggml type such as q4_k)");
  }
  void declare_blocks(const std::string& name, gguf::tensor_type type,
                      const std::vector<std::uint64_t>& shape) override {
    changed_[type] += elements(shape);
    declare(name, type, shape);
  }
  void begin() override {
    const auto is_quantized = [](const auto& entry) { return gguf::traits_of(entry.first).is_quantized(); };
    if (std::ranges::any_of(changed_, is_quantized) || std::ranges::any_of(copied_, is_quantized))
      writer_.set("general.quantization_version", std::uint32_t{2});
    if (const auto type = file_type()) writer_.set(gguf_file_type_key, gguf_file_type(*type));
  }

  void copy(const tensor_info& tensor, const stored_tensor_data& data) override {
    const auto* blocks = std::get_if<stored_blocks>(&data);
    writer_.write(tensor.name, blocks != nullptr ? blocks->bytes
                                                 : std::get<std::vector<stored_numbers>>(data).front().bytes);
  }
  void write(const std::string& name, const row_matrix& values) override { writer_.write(name, values); }
  void write(const std::string& name, const quantized_matrix&) override {
    detail::refuse(path_, name, "codes and scales");
  }
  void write(const std::string& name, const matrix_parameters&, const std::vector<float>&) override {
    detail::refuse(path_, name, "codes and scales");
  }
  void write(const std::string& name, const gguf::block_matrix& part) override {
    writer_.write(name, part.blocks());
  }
  void commit() override { writer_.commit(); }

 private:
  void declare(const std::string& name, gguf::tensor_type type, const std::vector<std::uint64_t>& shape) {
    writer_.declare(name, type, {shape.rbegin(), shape.rend()});
  }
  static double elements(const std::vector<std::uint64_t>& shape) {
    double count = 1;
    for (const std::uint64_t extent : shape) count *= static_cast<double>(extent);
    return count;
  }

  /// The type of most elements that are not plain copies, those of a fallback counted as the type asked for
  /// where any tensor got that. Nothing where what the source says still holds.
  std::optional<gguf::tensor_type> file_type() const {
    std::map<gguf::tensor_type, double> sizes = changed_;
    if (main_type_ && changed_.contains(*main_type_)) {
      double all = 0;
      for (const auto& [type, size] : changed_) all += size;
      sizes = {{*main_type_, all}};
    }
    for (const auto& [type, size] : copied_) sizes[type] += size;
    const bool is_new = !changed_.empty() || !has_file_type_;
    if (sizes.empty())
      return restored_ && has_file_type_ ? std::optional(gguf::tensor_type::f32) : std::nullopt;
    if (!is_new && !restored_) return std::nullopt;
    return std::ranges::max_element(sizes, {}, [](const auto& entry) { return entry.second; })->first;
  }

  std::string path_;
  gguf_writer writer_;
  std::optional<gguf::tensor_type> main_type_;
  std::map<gguf::tensor_type, double> changed_, copied_;  // elements of each type
  bool has_file_type_ = false, restored_ = false;
};

}  // namespace bitgauge::io
