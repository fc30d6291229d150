#include "tensor_sink.hpp"

#include <bitgauge/error.hpp>
#include <bitgauge/io/quantized_pieces.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace program {
namespace {

namespace io = bitgauge::io;
using bitgauge::gguf::tensor_type;

[[noreturn]] void refuse(const std::string& path, const std::string& tensor, const std::string& format) {
  bitgauge::raise(
      bitgauge::invalid_scheme(path + ": tensor " + tensor + ": this container cannot hold " + format));
}

class safetensors_sink final : public tensor_sink {
 public:
  explicit safetensors_sink(const std::string& path) : path_(path), writer_(path) {}

  void take_metadata(const io::tensor_file& source) override {
    for (const io::metadata_entry& text : source.texts()) writer_.set_metadata(text.name, text.value);
  }
  void declare_copy(const io::stored_tensor& tensor) override {
    if (tensor.blocks != nullptr) refuse(path_, tensor.name, tensor.format);
    if (tensor.quantized != nullptr) return declare_quantized(*tensor.quantized);
    writer_.declare(tensor.name, tensor.plain->type, tensor.shape);
    if (tensor.scales == nullptr) return;
    const io::tensor_view& scales = *tensor.scales->tensor;
    writer_.declare(scales.name, scales.type, scales.shape);
  }
  void declare_floats(const std::string& name, const std::vector<std::uint64_t>& shape) override {
    writer_.declare(name, io::dtype::f32, shape);
  }
  void declare_quantized(const io::quantized_entry& entry) override { parts_.declare(writer_, entry); }
  void declare_blocks(const std::string& name, tensor_type type, const std::vector<std::uint64_t>&) override {
    refuse(path_, name,
           "blocks of type " + std::string(bitgauge::gguf::traits_of(type).name) + " (write a .gguf)");
  }
  void begin() override { parts_.describe(writer_); }

  void copy(const io::tensor_file& source, const io::stored_tensor& tensor) override {
    if (tensor.quantized != nullptr) return write(tensor.name, source.quantized(tensor));
    writer_.write(tensor.name, tensor.plain->data);
    if (tensor.scales != nullptr) writer_.write(tensor.scales->tensor->name, tensor.scales->tensor->data);
  }
  void write(const std::string& name, const io::tensor_file::float_matrix& values) override {
    writer_.write(name, values);
  }
  void write(const std::string& name, const bitgauge::quantized_matrix& q) override {
    parts_.write(writer_, name, q);
  }
  void write(const std::string& name, const bitgauge::gguf::block_matrix&) override {
    refuse(path_, name, "blocks");
  }
  void write_rows(const std::string& name, const bitgauge::quantized_matrix& rows, bool is_last) override {
    pieces_.write(writer_, name, rows, is_last);
  }
  void write_rows(const std::string& name, const bitgauge::gguf::block_matrix& rows, bool) override {
    write(name, rows);
  }
  void commit() override { writer_.commit(); }

 private:
  std::string path_;
  io::safetensors_writer writer_;
  io::quantized_writer parts_;
  io::quantized_pieces pieces_;
};

/// llama.cpp's number for "mostly this type" (enum llama_ftype), which its loaders show and do not rely on.
std::uint32_t file_type_of(tensor_type type) {
  constexpr std::pair<tensor_type, std::uint32_t> numbers[] = {
      {tensor_type::f32, 0},      {tensor_type::f16, 1},     {tensor_type::q4_0, 2},
      {tensor_type::q4_1, 3},     {tensor_type::q8_0, 7},    {tensor_type::q5_0, 8},
      {tensor_type::q5_1, 9},     {tensor_type::q2_k, 10},   {tensor_type::q3_k, 11},
      {tensor_type::q4_k, 14},    {tensor_type::q5_k, 16},   {tensor_type::q6_k, 18},
      {tensor_type::iq2_xxs, 19}, {tensor_type::iq2_xs, 20}, {tensor_type::iq3_xxs, 23},
      {tensor_type::iq1_s, 24},   {tensor_type::iq4_nl, 25}, {tensor_type::iq3_s, 26},
      {tensor_type::iq2_s, 28},   {tensor_type::iq4_xs, 30}, {tensor_type::iq1_m, 31},
      {tensor_type::bf16, 32},    {tensor_type::tq1_0, 36},  {tensor_type::tq2_0, 37},
      {tensor_type::mxfp4, 38}};
  for (const auto& [known, number] : numbers)
    if (known == type) return number;
  return 1024;  // llama.cpp's "guessed, not specified in the model file"
}

constexpr const char* file_type_key = "general.file_type";

class gguf_sink final : public tensor_sink {
 public:
  explicit gguf_sink(const std::string& path) : path_(path), writer_(path) {}

  void take_metadata(const io::tensor_file& source) override {
    for (const io::gguf_entry& entry : source.metadata()) {
      writer_.set(entry.name, entry.value);
      has_file_type_ = has_file_type_ || entry.name == file_type_key;
    }
  }
  void set_main_type(tensor_type type) override { main_type_ = type; }
  void declare_copy(const io::stored_tensor& tensor) override {
    if (tensor.blocks != nullptr) {
      copied_[tensor.blocks->type] += elements(tensor.shape);
      return declare(tensor.name, tensor.blocks->type, tensor.shape);
    }
    if (tensor.quantized != nullptr) refuse(path_, tensor.name, tensor.format);
    if (tensor.scales != nullptr) refuse(path_, tensor.name, tensor.format);
    for (const bitgauge::gguf::tensor_type_traits& traits : bitgauge::gguf::tensor_types)
      if (io::plain_dtype(traits.type) == tensor.plain->type)
        return declare(tensor.name, traits.type, tensor.shape);
    refuse(path_, tensor.name, tensor.format);
  }
  void declare_floats(const std::string& name, const std::vector<std::uint64_t>& shape) override {
    restored_ = true;
    declare(name, tensor_type::f32, shape);
  }
  void declare_quantized(const io::quantized_entry& entry) override {
    refuse(path_, entry.name,
           "scheme " + entry.scheme + " (write a .safetensors, or choose a ggml type such as q4_k)");
  }
  void declare_blocks(const std::string& name, tensor_type type,
                      const std::vector<std::uint64_t>& shape) override {
    changed_[type] += elements(shape);
    declare(name, type, shape);
  }
  void begin() override {
    const auto is_quantized = [](const auto& entry) {
      return bitgauge::gguf::traits_of(entry.first).is_quantized();
    };
    if (std::ranges::any_of(changed_, is_quantized) || std::ranges::any_of(copied_, is_quantized))
      writer_.set("general.quantization_version", std::uint32_t{2});
    if (const auto type = file_type()) writer_.set(file_type_key, file_type_of(*type));
  }

  void copy(const io::tensor_file&, const io::stored_tensor& tensor) override {
    writer_.write(tensor.name, tensor.blocks != nullptr ? tensor.blocks->data : tensor.plain->data);
  }
  void write(const std::string& name, const io::tensor_file::float_matrix& values) override {
    writer_.write(name, values);
  }
  void write(const std::string& name, const bitgauge::quantized_matrix&) override {
    refuse(path_, name, "codes and scales");
  }
  void write(const std::string& name, const bitgauge::gguf::block_matrix& q) override {
    writer_.write(name, q.blocks());
  }
  void write_rows(const std::string& name, const bitgauge::quantized_matrix& rows, bool) override {
    write(name, rows);
  }
  void write_rows(const std::string& name, const bitgauge::gguf::block_matrix& rows, bool) override {
    write(name, rows);
  }
  void commit() override { writer_.commit(); }

 private:
  void declare(const std::string& name, tensor_type type, const std::vector<std::uint64_t>& shape) {
    writer_.declare(name, type, {shape.rbegin(), shape.rend()});
  }
  static double elements(const std::vector<std::uint64_t>& shape) {
    double count = 1;
    for (const std::uint64_t extent : shape) count *= static_cast<double>(extent);
    return count;
  }

  /// The type of most elements that are not plain copies, those of a fallback counted as the type asked for
  /// where any tensor got that. Nothing where what the source says still holds.
  std::optional<tensor_type> file_type() const {
    std::map<tensor_type, double> sizes = changed_;
    if (main_type_ && changed_.contains(*main_type_)) {
      double all = 0;
      for (const auto& [type, size] : changed_) all += size;
      sizes = {{*main_type_, all}};
    }
    for (const auto& [type, size] : copied_) sizes[type] += size;
    const bool is_new = !changed_.empty() || !has_file_type_;
    if (sizes.empty()) return restored_ && has_file_type_ ? std::optional(tensor_type::f32) : std::nullopt;
    if (!is_new && !restored_) return std::nullopt;
    return std::ranges::max_element(sizes, {}, [](const auto& entry) { return entry.second; })->first;
  }

  std::string path_;
  io::gguf_writer writer_;
  std::optional<tensor_type> main_type_;
  std::map<tensor_type, double> changed_, copied_;  // elements of each type
  bool has_file_type_ = false, restored_ = false;
};

}  // namespace

std::unique_ptr<tensor_sink> open_sink(const std::string& path) {
  if (path.ends_with(".safetensors")) return std::make_unique<safetensors_sink>(path);
  if (path.ends_with(".gguf")) return std::make_unique<gguf_sink>(path);
  bitgauge::raise(bitgauge::io_error(path + ": expected an output ending in .safetensors or .gguf"));
}

}  // namespace program
