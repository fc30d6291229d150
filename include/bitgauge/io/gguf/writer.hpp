#pragma once

/// \file
/// Writes GGUF files of version 3 whose tensors need not be in memory together.
/// Source: docs/gguf.md of ggml.

#include <bitgauge/io/bytes/byte_sink.hpp>
#include <bitgauge/io/bytes/container_writer.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/io/gguf/value_bytes.hpp>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// Takes metadata and the declarations of tensors, then the data in the same order, then commits:
///
///     gguf_writer writer("model.gguf");
///     writer.set("general.architecture", std::string("llama"));
///     writer.declare("w", gguf::tensor_type::q4_k, {4096, 4096});
///     writer.write("w", blocks);   // whole or in pieces
///     writer.commit();
///
/// The file appears whole on commit() or not at all. Equal calls give equal bytes: those that ggml writes.
class gguf_writer final : public detail::container_writer {
 public:
  /// Raises io_error where no file can be created there.
  explicit gguf_writer(const std::filesystem::path& path) : container_writer(path) {}
  /// The same into a stream or memory; `name` is for messages.
  gguf_writer(std::unique_ptr<byte_sink> sink, std::string name)
      : container_writer(std::move(sink), std::move(name)) {}

  /// Sets a metadata value: at its place where the key is set already, else at the end. `general.alignment`
  /// sets the alignment of the data. Raises data_error for an empty key or an alignment that is no power of
  /// two of type u32.
  void set(const std::string& key, gguf_value value) {
    require_unwritten();
    if (key.empty()) raise(data_error(shown() + ": a metadata key is empty"));
    if (key == detail::gguf_alignment_key) {
      const auto* alignment = std::get_if<std::uint32_t>(&value);
      if (alignment == nullptr || !std::has_single_bit(*alignment)) {
        raise(data_error(shown() + ": " + key + ": expected a power of two of type u32"));
      }
      alignment_ = *alignment;
    }
    if (gguf_entry* entry = metadata_.find(key)) {
      entry->value = std::move(value);
    } else {
      metadata_.add({key, std::move(value)});
    }
  }

  /// Declares the next tensor; `dimensions` are fastest first. Raises data_error for a name of 64 bytes or
  /// more or one that is taken, and shape_error for more than 4 dimensions, rows that are not whole blocks,
  /// or too many elements.
  void declare(const std::string& name, gguf::tensor_type type,
               const std::vector<std::uint64_t>& dimensions) {
    if (name.size() > gguf_max_name_length) {
      raise(data_error(subject(name) + "a name has at most 63 bytes, found " + std::to_string(name.size())));
    }
    std::string problem;
    if (dimensions.size() > gguf_max_dimensions) {
      problem = "expected at most 4 dimensions, found " + std::to_string(dimensions.size());
    }
    const std::uint64_t size = detail::gguf_tensor_bytes(type, dimensions, problem);
    if (!problem.empty()) raise(shape_error(subject(name) + problem));
    declare_tensor(name, size, plain_dtype(type), gguf::traits_of(type).name);
    tensors_.push_back({name, type, dimensions, {}, 0});
  }

 private:
  header_bytes header() const override {
    byte_writer bytes;
    bytes.text("GGUF");
    bytes.number<std::uint32_t>(3);
    bytes.number<std::uint64_t>(tensors_.size());
    bytes.number<std::uint64_t>(metadata_.items().size());
    for (const gguf_entry& entry : metadata_.items()) {
      detail::write_gguf_string(bytes, entry.name);
      detail::write_typed_gguf_value(bytes, entry.value);
    }
    std::uint64_t offset = 0;
    std::string no_problem;
    for (const gguf_tensor& tensor : tensors_) {
      detail::write_gguf_string(bytes, tensor.name);
      bytes.number(static_cast<std::uint32_t>(tensor.dimensions.size()));
      for (const std::uint64_t extent : tensor.dimensions) bytes.number(extent);
      bytes.number(static_cast<std::uint32_t>(tensor.type));
      bytes.number(offset);
      offset +=
          detail::padded(detail::gguf_tensor_bytes(tensor.type, tensor.dimensions, no_problem), alignment_);
    }
    bytes.zeros(detail::padded(bytes.bytes().size(), alignment_) - bytes.bytes().size());
    return {bytes.take(), alignment_};
  }

  named_list<gguf_entry> metadata_;
  std::vector<gguf_tensor> tensors_;
  std::uint32_t alignment_ = gguf_default_alignment;
};

}  // namespace bitgauge::io
